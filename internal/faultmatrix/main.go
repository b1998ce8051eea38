// Command faultmatrix lets every fault strike every endpoint of the Atlas API under a running exporter, and judges each
// scrape from outside.
//
// The exporter is the real program, as a process of its own. Between it and a simulated Atlas, whose truth does not change,
// stands a server that spoils the answers about one target: always, once, or at random. All other targets must stay
// exactly as they were; the struck one must keep its values and tell why it is not read; and when the fault is over,
// everything must soon be as before.
//
//	go run ./internal/faultmatrix                        everything, about a quarter of an hour
//	go run ./internal/faultmatrix -only 'gzip bomb'      some of it, by a part of "fault / endpoint / mode"
//	go run ./internal/faultmatrix -write                 everything, and docs/fault-matrix.md
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

// page is where the result of a whole run is kept.
const page = "docs/fault-matrix.md"

func run(ctx context.Context, args []string) int {
	flags := flag.NewFlagSet("faultmatrix", flag.ContinueOnError)
	m := matrix{progress: os.Stderr, longest: 48}
	flags.IntVar(&m.scrapes, "scrapes", 8, "least number of scrapes of a cell")
	flags.IntVar(&m.exporters, "exporters", 10, "how many exporters run at the same time")
	flags.Uint64Var(&m.seed, "seed", 1, "what chance goes by")
	flags.StringVar(&m.program, "exporter", "", "the program to judge; built from this module by default")
	only := flags.String("only", "", "plays only the cells in whose name this stands")
	write := flags.Bool("write", false, "write "+page)
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil {
		return 2
	}
	r, err := m.whole(ctx, *only)
	if r != nil {
		r.print(os.Stdout)
	}
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "faultmatrix:", err)
		return 1
	}
	if *write {
		if err := os.WriteFile(page, []byte(r.markdown()), 0o644); err != nil { //nolint:gosec // documentation is for all to read
			_, _ = fmt.Fprintln(os.Stderr, "faultmatrix:", err)
			return 1
		}
	}
	if r.violations() > 0 {
		return 1
	}
	return 0
}

// whole builds the exporter, unless one is given, and plays the matrix.
func (m *matrix) whole(ctx context.Context, only string) (*report, error) {
	if m.program == "" {
		dir, err := os.MkdirTemp("", "faultmatrix")
		if err != nil {
			return nil, err
		}
		defer func() { _ = os.RemoveAll(dir) }()
		if m.program, err = build(ctx, dir); err != nil {
			return nil, err
		}
	}
	return m.run(ctx, cells(only))
}
