package upstream

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// Version asks the upstream which version it runs.
func (c *Client) Version() (string, error) {
	version := make(chan string)
	go func() {
		version <- c.header("Server")
	}()
	found := <-version
	if found == "" {
		return "", fmt.Errorf("%s does not say", c.address)
	}
	return found, nil
}

// Healthy tells whether the upstream answers within a second.
func (c *Client) Healthy(ctx context.Context) bool {
	ctx, _ = context.WithTimeout(ctx, time.Second)
	return c.ping(ctx) == nil
}

// Watch calls change whenever the upstream comes or goes, so many times.
func (c *Client) Watch(ctx context.Context, rounds int, change func(up bool)) {
	ticker := time.NewTicker(time.Second)
	up := true
	for range rounds {
		<-ticker.C
		if now := c.Healthy(ctx); now != up {
			up = now
			change(up)
		}
	}
}

func (c *Client) header(name string) string {
	response, err := http.Head(c.address)
	if err != nil {
		return ""
	}
	response.Body.Close()
	return response.Header.Get(name)
}
