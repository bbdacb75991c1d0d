package notify

import "context"

// Fanout hands what comes in to everybody who listens.
type Fanout struct {
	in   chan string
	outs []chan string
}

// NewFanout returns a fan-out to n listeners.
func NewFanout(n int) *Fanout {
	f := &Fanout{in: make(chan string)}
	for range n {
		f.outs = append(f.outs, make(chan string, 16))
	}
	return f
}

// Run works until the context ends.
func (f *Fanout) Run(ctx context.Context) {
	for {
		select {
		case message := <-f.in:
			for _, out := range f.outs {
				out <- message
			}
		case <-ctx.Done():
			return
		default:
		}
	}
}
