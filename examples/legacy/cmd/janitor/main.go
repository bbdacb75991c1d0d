// Command janitor removes old files from a spool folder for as long as it runs.
package main

import (
	"log"
	"os"
	"path/filepath"

	"example.com/legacy/internal/janitor"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: janitor FOLDER")
	}
	if err := run(os.Args[1]); err != nil {
		log.Print(err)
	}
}

// run keeps other janitors out of the folder by a lock file, and removes it in the end.
func run(folder string) error {
	lock := filepath.Join(folder, "janitor.lock")
	if err := os.WriteFile(lock, nil, 0o600); err != nil {
		return err
	}
	defer os.Remove(lock)
	return janitor.New(folder).Run()
}
