// Command relayd takes jobs from a queue and hands them to an upstream service.
package main

import (
	"context"
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"

	"example.com/legacy/internal/metrics"
	"example.com/legacy/internal/queue"
	"example.com/legacy/internal/store"
	"example.com/legacy/internal/upstream"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	client := upstream.NewClient("http://127.0.0.1:8700")
	if err := client.Connect(ctx); err != nil {
		log.Fatal(err)
	}

	jobs := store.Open()
	expirer := store.NewExpirer(jobs, time.Hour)
	defer expirer.Close()

	worker := queue.NewWorker(jobs, client)
	worker.Start(ctx)

	counters := metrics.NewReporter(os.Stdout)
	counters.Start()

	go watchBacklog(ctx, jobs)

	<-ctx.Done()
	worker.Stop()
	counters.Close()
}

// watchBacklog warns about jobs that wait too long.
func watchBacklog(ctx context.Context, jobs *store.Store) {
	for {
		if n := jobs.Len(); n > 1000 {
			log.Printf("backlog: %d jobs", n)
		}
		time.Sleep(5 * time.Second) // the log is read by people
	}
}
