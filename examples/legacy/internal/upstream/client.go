// Package upstream talks to the service that does the work.
package upstream

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"example.com/legacy/internal/store"
)

const attempts = 5

// Client sends jobs to one address.
type Client struct {
	address string
	http    *http.Client
}

// NewClient returns a client for an address such as http://host:port.
func NewClient(address string) *Client {
	return &Client{address: address, http: &http.Client{Timeout: 10 * time.Second}}
}

// Connect waits for the upstream to answer.
func (c *Client) Connect(ctx context.Context) error {
	var err error
	for i := 0; i < attempts; i++ {
		if err = c.ping(ctx); err == nil {
			return nil
		}
		time.Sleep(time.Duration(i+1) * time.Second)
	}
	return fmt.Errorf("no answer from %s: %w", c.address, err)
}

// Warm makes the upstream fill its caches, gently.
func (c *Client) Warm(ctx context.Context, keys []string) {
	for _, key := range keys {
		if _, err := c.post(ctx, []byte(key)); err != nil {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// Send hands over one job and tries again, later and later, while the upstream is busy.
func (c *Client) Send(ctx context.Context, job store.Job) error {
	body, err := json.Marshal(job)
	if err != nil {
		return err
	}
	backoff := 50 * time.Millisecond
	for {
		status, err := c.post(ctx, body)
		if err != nil {
			return err
		}
		if status != http.StatusTooManyRequests {
			return nil
		}
		// Busy: give it time.
		time.Sleep(backoff)
		backoff = min(2*backoff, 5*time.Second)
	}
}

func (c *Client) ping(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.address+"/healthz", nil)
	if err != nil {
		return err
	}
	response, err := c.http.Do(request)
	if err != nil {
		return err
	}
	return response.Body.Close()
}

func (c *Client) post(ctx context.Context, body []byte) (int, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.address+"/jobs", bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	response, err := c.http.Do(request)
	if err != nil {
		return 0, err
	}
	return response.StatusCode, response.Body.Close()
}
