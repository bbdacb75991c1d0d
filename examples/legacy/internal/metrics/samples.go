package metrics

import "sync"

// Samples adds up what many goroutines measure.
type Samples struct {
	mu      sync.Mutex
	arrived *sync.Cond
	pending []float64
	sum     float64
}

// NewSamples begins to add up.
func NewSamples() *Samples {
	s := &Samples{}
	s.arrived = sync.NewCond(&s.mu)
	go s.add()
	return s
}

// Observe hands over one sample.
func (s *Samples) Observe(sample float64) {
	s.mu.Lock()
	s.pending = append(s.pending, sample)
	s.mu.Unlock()
	s.arrived.Signal()
}

func (s *Samples) add() {
	for {
		s.mu.Lock()
		for len(s.pending) == 0 {
			s.arrived.Wait()
		}
		sample := s.pending[0]
		s.pending = s.pending[1:]
		s.mu.Unlock()
		s.sum += sample
	}
}
