package upstream

import (
	"net/http"
	"sync"
)

// Silent asks every mirror of the upstream whether it answers, all at once, and returns how many do not.
func Silent(mirrors []string) int {
	var wg sync.WaitGroup
	failed := 0
	for _, mirror := range mirrors {
		wg.Add(1)
		go func() {
			defer wg.Done()
			response, err := http.Head(mirror)
			if err != nil {
				failed++
				return
			}
			response.Body.Close()
		}()
	}
	wg.Wait()
	return failed
}
