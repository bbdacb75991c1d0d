// Package metrics counts, and prints the counts.
package metrics

import (
	"fmt"
	"io"
	"runtime"
	"sync/atomic"
	"time"
)

// Reporter prints counts until it is closed.
type Reporter struct {
	out  io.Writer
	done chan struct{}
	sent atomic.Int64
}

// NewReporter returns a reporter that is not started yet.
func NewReporter(out io.Writer) *Reporter {
	return &Reporter{out: out, done: make(chan struct{})}
}

// Add counts one job that was sent.
func (r *Reporter) Add() {
	r.sent.Add(1)
}

// Start begins to print.
func (r *Reporter) Start() {
	go r.report()
	go r.watchMemory()
}

// Close ends what Start began.
func (r *Reporter) Close() {
	close(r.done)
}

func (r *Reporter) report() {
	for {
		fmt.Fprintf(r.out, "sent %d\n", r.sent.Swap(0))
		time.Sleep(10 * time.Second)
	}
}

// watchMemory lives as long as the process: the line it prints last is what explains an out-of-memory kill.
func (r *Reporter) watchMemory() {
	//gocodemod:ignore sleep-loop -- must go on printing while the rest shuts down
	for {
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		fmt.Fprintf(r.out, "heap %d MB\n", stats.HeapAlloc>>20)
		time.Sleep(30 * time.Second)
	}
}
