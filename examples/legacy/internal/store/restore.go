package store

import (
	"encoding/json"
	"log"
	"os"
)

// Restore puts the jobs of exported files back, and skips the files that cannot be read.
func (s *Store) Restore(names []string) {
	for _, name := range names {
		file, err := os.Open(name)
		if err != nil {
			log.Print(err)
			continue
		}
		defer file.Close()

		var jobs []Job
		if err := json.NewDecoder(file).Decode(&jobs); err != nil {
			log.Printf("%s: %v", name, err)
		}
		for _, job := range jobs {
			s.Put(job)
		}
	}
}
