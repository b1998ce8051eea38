// Command benchmark measures the exporter against floors and baselines, each as a ratio within one run, and prints a
// table. It runs the simulated Atlas on loopback in its own process and every client that is measured in another.
//
//	go run ./internal/benchmark            everything, about fifteen minutes
//	go run ./internal/benchmark -pairs 1   a quick look
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"text/tabwriter"
)

// measure is one row, or several, of the table.
type measure struct {
	name string
	run  func(ctx context.Context, pairs int) ([]row, error)
}

// row is a line of the table.
type row struct {
	what   string
	ratios []float64 // one for each pair, or the figure itself
	unit   string    // "" for a ratio
	reach  float64
	note   string
}

func measures() []measure {
	return []measure{
		{"counts", measureCounts},
		{"digest", measureDigest},
		{"render", measureRender},
		{"memory", measureMemory},
		{"cold", measureCold},
	}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if len(os.Args) > 2 && os.Args[1] == clientCommand {
		if err := runClient(ctx, os.Args[2], os.Args[3:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1) //nolint:gocritic // nothing is left to be undone
		}
		return
	}
	pairs := flag.Int("pairs", 7, "interleaved pairs of which the median is taken")
	only := flag.String("only", "", "measures to run, separated by commas: counts, digest, render, memory, cold")
	flag.Parse()
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "measure\tmedian\tleast\tmost\treach\tnote")
	for _, m := range measures() {
		if *only != "" && !slices.Contains(strings.Split(*only, ","), m.name) {
			continue
		}
		rows, err := m.run(ctx, *pairs)
		if err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", m.name, err)
			os.Exit(1) //nolint:gocritic // nothing is left to be undone
		}
		for _, r := range rows {
			slices.Sort(r.ratios)
			_, _ = fmt.Fprintf(table, "%s\t%.4g%s\t%.4g\t%.4g\t≤ %g%s\t%s\n", r.what,
				r.ratios[len(r.ratios)/2], r.unit, r.ratios[0], r.ratios[len(r.ratios)-1], r.reach, r.unit, r.note)
		}
		_ = table.Flush()
	}
}
