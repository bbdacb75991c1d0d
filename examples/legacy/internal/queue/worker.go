// Package queue hands jobs from the store to the upstream.
package queue

import (
	"context"
	"log"
	"time"

	"example.com/legacy/internal/store"
)

const pollInterval = 100 * time.Millisecond

// Sender takes one job.
type Sender interface {
	Send(ctx context.Context, job store.Job) error
}

// Worker moves jobs until it is stopped.
type Worker struct {
	jobs   *store.Store
	sender Sender
	done   chan struct{}
}

// NewWorker returns a worker that is not started yet.
func NewWorker(jobs *store.Store, sender Sender) *Worker {
	return &Worker{jobs: jobs, sender: sender, done: make(chan struct{})}
}

// Start begins to poll for jobs, and to clear out old ones.
func (w *Worker) Start(ctx context.Context) {
	go func() {
		for {
			time.Sleep(pollInterval)
			w.drain(ctx)
		}
	}()
	go w.expire()
}

// Stop ends what Start began.
func (w *Worker) Stop() {
	close(w.done)
}

func (w *Worker) drain(ctx context.Context) {
	for _, job := range w.jobs.Take(16) {
		if err := w.sender.Send(ctx, job); err != nil {
			log.Printf("job %d: %v", job.ID, err)
			w.jobs.Put(job)
		}
	}
}

// expire clears out old jobs once a minute.
func (w *Worker) expire() {
	for {
		select {
		case <-w.done:
			return
		default:
			time.Sleep(time.Minute)
			if n := w.jobs.Expire(time.Hour); n > 0 {
				log.Printf("expired %d jobs", n)
			}
		}
	}
}
