// Command buildtools builds the tools for tests (Prometheus, promtool, Alertmanager, amtool and helm) and stores them in the
// user's cache directory. Tests start it in the background. Run it beforehand to see its progress.
//
//	go run ./internal/harness/buildtools
package main

import (
	"context"
	"os"
	"os/signal"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := harness.BuildTools(ctx, os.Stdout); err != nil {
		return 1
	}
	return 0
}
