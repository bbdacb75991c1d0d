package metrics

import (
	"testing"
	"time"
)

func TestCounter(t *testing.T) {
	c := NewCounter()
	defer c.Close()
	c.Add(1)
	c.Add(2)

	time.Sleep(100 * time.Millisecond) // it counts in the background
	if n := c.Value(); n != 3 {
		t.Fatalf("counted %d", n)
	}
}
