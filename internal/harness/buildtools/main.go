// Command buildtools builds the programs that tests run, Prometheus, promtool, Alertmanager, amtool and helm, and keeps
// them in the user's cache directory. Tests start it by themselves; run it beforehand to watch its progress.
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
