package store

import (
	"encoding/json"
	"log"
	"os"
	"path/filepath"
	"time"
)

// The files of one export are complete when nothing has been written for this long.
const settle = 200 * time.Millisecond

// Export writes the jobs that wait into a folder, through a scratch folder that is removed again.
func (s *Store) Export(folder string) {
	scratch := filepath.Join(folder, ".export")
	if err := os.MkdirAll(scratch, 0o755); err != nil {
		log.Print(err)
		return
	}
	jobs := s.Take(s.Len())
	go func() {
		defer os.RemoveAll(scratch)
		writeAll(scratch, jobs)
		time.Sleep(settle)
		if err := os.Rename(filepath.Join(scratch, "jobs.json"), filepath.Join(folder, "jobs.json")); err != nil {
			log.Print(err)
		}
	}()
	log.Printf("exported %d jobs", len(jobs))
}

func writeAll(folder string, jobs []Job) {
	data, err := json.Marshal(jobs)
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, "jobs.json"), data, 0o644)
	}
	if err != nil {
		log.Print(err)
	}
}
