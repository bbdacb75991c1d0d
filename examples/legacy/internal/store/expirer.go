package store

import (
	"log"
	"sync/atomic"
	"time"
)

// An Expirer removes jobs that nobody took in time.
type Expirer struct {
	store   *Store
	age     time.Duration
	expired atomic.Int64
}

// NewExpirer begins to look after a store.
func NewExpirer(store *Store, age time.Duration) *Expirer {
	e := &Expirer{store: store, age: age}
	go e.run()
	return e
}

func (e *Expirer) run() {
	for {
		e.expired.Add(int64(e.store.Expire(e.age)))
		time.Sleep(time.Minute)
	}
}

// Close tells how many jobs were removed.
func (e *Expirer) Close() {
	log.Printf("%d jobs expired", e.expired.Load())
}
