// Package notify tells people what happened, and not too often.
package notify

import (
	"log"
	"sync"
	"time"
)

const muteFor = 10 * time.Minute

// Notifier sends messages by topic.
type Notifier struct {
	send func(topic, text string) error

	mu    sync.Mutex
	muted map[string]bool
}

// New returns a notifier that hands messages to send.
func New(send func(topic, text string) error) *Notifier {
	return &Notifier{send: send, muted: map[string]bool{}}
}

// Mute silences a topic for a while.
func (n *Notifier) Mute(topic string) {
	n.set(topic, true)
	go func() {
		time.Sleep(muteFor)
		n.set(topic, false)
	}()
}

// Broadcast sends a text to every topic at once.
func (n *Notifier) Broadcast(topics []string, text string) {
	var wg sync.WaitGroup
	for _, topic := range topics {
		go func() {
			wg.Add(1)
			if err := n.Send(topic, text); err != nil {
				log.Printf("%s: %v", topic, err)
			}
			wg.Done()
		}()
	}
	wg.Wait()
}

// Send sends a text unless its topic is muted.
func (n *Notifier) Send(topic, text string) error {
	n.mu.Lock()
	muted := n.muted[topic]
	n.mu.Unlock()
	if muted {
		return nil
	}
	return n.send(topic, text)
}

func (n *Notifier) set(topic string, muted bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.muted[topic] = muted
}
