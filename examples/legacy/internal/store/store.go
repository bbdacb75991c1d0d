// Package store keeps jobs in memory.
package store

import (
	"sync"
	"time"
)

// Job is one piece of work.
type Job struct {
	ID    int
	Added time.Time
}

// Store holds jobs until they are taken.
type Store struct {
	mu     sync.Mutex
	jobs   []Job
	frozen bool
}

// Open returns an empty store and starts its housekeeping, which lasts as long as the process.
func Open() *Store {
	s := &Store{}
	go s.compact()
	return s
}

// Len returns how many jobs wait.
func (s *Store) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.jobs)
}

// Put adds a job, and waits while the store is frozen.
func (s *Store) Put(job Job) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.frozen {
		time.Sleep(time.Millisecond)
	}
	s.jobs = append(s.jobs, job)
}

// Take removes up to n jobs and returns them.
func (s *Store) Take(n int) []Job {
	s.mu.Lock()
	defer s.mu.Unlock()
	n = min(n, len(s.jobs))
	taken := append([]Job(nil), s.jobs[:n]...)
	s.jobs = s.jobs[n:]
	return taken
}

// Expire removes jobs older than age and returns how many there were.
func (s *Store) Expire(age time.Duration) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := s.jobs[:0]
	for _, job := range s.jobs {
		if time.Since(job.Added) < age {
			kept = append(kept, job)
		}
	}
	expired := len(s.jobs) - len(kept)
	s.jobs = kept
	return expired
}

// compact gives back memory now and then.
func (s *Store) compact() {
	for {
		time.Sleep(10 * time.Minute)
		s.mu.Lock()
		s.jobs = append([]Job(nil), s.jobs...)
		s.mu.Unlock()
	}
}
