// Package janitor clears out spool folders.
package janitor

import (
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"
)

const (
	interval = 10 * time.Minute
	maxAge   = 24 * time.Hour
)

// A Janitor looks after one folder.
type Janitor struct {
	folder  string
	removed int
}

// New makes the janitor of a folder.
func New(folder string) *Janitor { return &Janitor{folder: folder} }

// Run removes old files every ten minutes, until one cannot be removed.
func (j *Janitor) Run() error {
	log.Printf("looking after %s", j.folder)
	if err := j.loop(); err != nil {
		return fmt.Errorf("after %d files: %w", j.removed, err)
	}
	return nil
}

func (j *Janitor) loop() error {
	for {
		if err := j.sweep(time.Now().Add(-maxAge)); err != nil {
			return err
		}
		log.Printf("%d files removed so far", j.removed)
		time.Sleep(interval)
	}
}

func (j *Janitor) sweep(before time.Time) error {
	entries, err := os.ReadDir(j.folder)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil || entry.IsDir() || info.ModTime().After(before) {
			continue
		}
		if err := os.Remove(filepath.Join(j.folder, entry.Name())); err != nil {
			return err
		}
		j.removed++
	}
	return nil
}
