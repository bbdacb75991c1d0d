package upstream

import (
	"log"
	"time"
)

// Probe is one look at the upstream, taken in the background.
type Probe struct {
	client  *Client
	version string
	ready   bool
}

// NewProbe begins to look.
func NewProbe(client *Client) *Probe {
	p := &Probe{client: client}
	go p.look()
	return p
}

// Version waits until the upstream has said which version it runs.
func (p *Probe) Version() string {
	for !p.ready {
		time.Sleep(50 * time.Millisecond)
	}
	return p.version
}

func (p *Probe) look() {
	version, err := p.client.Version()
	if err != nil {
		log.Print(err)
	}
	p.version = version
	p.ready = true
}
