package upstream

import (
	"fmt"
	"os"
	"strings"
	"sync"
)

var (
	tokenOnce sync.Once
	token     string
	tokenErr  error
)

// Token returns what the upstream knows us by. It is read from the file that RELAYD_TOKEN names, on first use.
func Token() (string, error) {
	tokenOnce.Do(func() {
		data, err := os.ReadFile(os.Getenv("RELAYD_TOKEN"))
		if err != nil {
			tokenErr = fmt.Errorf("token: %w", err)
			return
		}
		token = strings.TrimSpace(string(data))
	})
	return token, tokenErr
}
