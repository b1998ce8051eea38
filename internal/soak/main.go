// Command soak runs the exporter for a long time of an organisation's life, in short: thousands of transitions of jobs,
// changes of what discovery finds, reloads and rotations of credentials, while two Prometheus servers scrape it. It compares
// every sample with what the simulated Atlas holds, and watches what the exporter needs of the machine.
//
//	go run ./internal/soak                  twelve minutes, 12 hours of simulated time
//	go run ./internal/soak -length 1m       a short one
//	go run ./internal/soak -write           also writes docs/soak.md
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := command(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

// fullPlan is what a soak is unless flags say otherwise.
func fullPlan() plan {
	return plan{
		seed: 1, length: 12 * time.Minute, busy: 1200 * time.Millisecond, scrapeInterval: 2 * time.Second,
		projects: 6, clusters: 42, pipelines: 15,
	}
}

// shortPlan is a soak that a test can wait for.
func shortPlan() plan {
	p := fullPlan()
	p.length, p.projects, p.clusters, p.pipelines = 40*time.Second, 4, 24, 8
	return p
}

func command(ctx context.Context, args []string) int {
	flags := flag.NewFlagSet("soak", flag.ContinueOnError)
	p := fullPlan()
	flags.Uint64Var(&p.seed, "seed", p.seed, "what is drawn by chance; the order of things depends on the machine as well")
	flags.DurationVar(&p.length, "length", p.length, "how long it soaks")
	flags.IntVar(&p.clusters, "clusters", p.clusters, "how many clusters there are, about")
	short := flags.Bool("short", false, "what go test runs")
	write := flags.Bool("write", false, "write docs/soak.md")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil {
		return 2
	}
	if *short {
		seed := p.seed
		p = shortPlan()
		p.seed = seed
	}
	var result *report
	err := harness.RunInConsole(ctx, "soak", os.Stderr, func(t testing.TB) {
		t.Helper()
		s, err := run(t, p, os.Stderr)
		if err != nil {
			t.Error(err)
		}
		if s.looks > 0 {
			result = s.report()
		}
	})
	if result != nil {
		result.print(os.Stdout)
	}
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if *write {
		if err := os.WriteFile("docs/soak.md", []byte(result.markdown()), 0o644); err != nil { //nolint:gosec // documentation is for all to read
			_, _ = fmt.Fprintln(os.Stderr, "soak:", err)
			return 1
		}
	}
	if !result.passed() {
		return 1
	}
	return 0
}
