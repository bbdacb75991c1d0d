package metrics

import "sync"

// Counter adds up what it is told, in a goroutine of its own.
type Counter struct {
	add  chan int
	mu   sync.Mutex
	done int
}

// NewCounter returns a counter that has counted nothing.
func NewCounter() *Counter {
	c := &Counter{add: make(chan int, 16)}
	go c.run()
	return c
}

// Add counts n more, a little later.
func (c *Counter) Add(n int) { c.add <- n }

// Value returns what was counted so far.
func (c *Counter) Value() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.done
}

// Close ends the counter. What was added before is counted.
func (c *Counter) Close() { close(c.add) }

func (c *Counter) run() {
	for n := range c.add {
		c.mu.Lock()
		c.done += n
		c.mu.Unlock()
	}
}
