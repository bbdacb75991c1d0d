// Command relayping asks an upstream how it is, and writes what it says into a file.
package main

import (
	"fmt"
	"log"
	"os"

	"example.com/legacy/internal/upstream"
)

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: relayping ADDRESS FILE")
	}
	scratch, err := os.CreateTemp("", "relayping")
	if err != nil {
		log.Fatal(err)
	}
	defer os.Remove(scratch.Name())

	version, err := upstream.NewClient(os.Args[1]).Version()
	if err != nil {
		log.Fatalf("%s: %v", os.Args[1], err)
	}
	fmt.Fprintln(scratch, version)
	if err := scratch.Close(); err != nil {
		log.Fatal(err)
	}
	data, err := os.ReadFile(scratch.Name())
	if err == nil {
		err = os.WriteFile(os.Args[2], data, 0o644)
	}
	if err != nil {
		log.Fatal(err)
	}
}
