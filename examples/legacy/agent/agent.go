// Package agent runs on the hosts that send jobs. They are updated last: it is still built with an old Go.
package agent

import (
	"log"
	"time"
)

const idleFor = 30 * time.Second

// Forward hands lines to send, and says when there were none for a while.
func Forward(lines <-chan string, send func(line string)) {
	for {
		select {
		case line, ok := <-lines:
			if !ok {
				return
			}
			send(line)
		case <-time.After(idleFor):
			log.Print("nothing to send")
		}
	}
}

// Heartbeat sends a sign of life until it fails.
func Heartbeat(beat func() error) error {
	for range time.Tick(5 * time.Second) {
		if err := beat(); err != nil {
			return err
		}
	}
	return nil
}
