// Command drill acts out incidents and benign days in shortened time, and tells which of them paged whom.
//
// A simulated Atlas plays each of them; the real exporter reads it, a real Prometheus judges by the shipped alerting rules,
// and a real Alertmanager pages. Every duration, of jobs and of rules alike, is divided by one factor. An incident must page
// what it is expected to, once, and nothing else; a benign day must not page at all.
//
//	go run ./internal/drill                                     everything, about ten minutes; writes docs/drill.md
//	go run ./internal/drill -only '^restore' -out ''            some of it
//	go run ./internal/drill -break MongoDBAtlasRateLimited      with an alert that never fires: the drill must notice
//	go run ./internal/drill -break MongoDBAtlasBackupExportOverdue='time() - mongodbatlas_backup_export_last_success_timestamp_seconds > 172800'
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string) int {
	flags := flag.NewFlagSet("drill", flag.ContinueOnError)
	d := drill{log: os.Stderr, grace: 20 * time.Second}
	flags.Float64Var(&d.factor, "factor", 120, "what every duration is divided by")
	flags.IntVar(&d.parallel, "parallel", 4, "how many stacks of programs run at the same time")
	flags.StringVar(&d.rulesFile, "rules", "alerts/mongodbatlas.rules.yml", "the alerting rules")
	out := flags.String("out", "docs/drill.md", "file to write the result to; empty writes none")
	only := flags.String("only", "", "regular expression: plays only the scenarios whose name it matches")
	broken := flags.String("break", "", "alert, or alert=expression: replaces the alert's expression, by one that is never true")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil {
		return 2
	}
	if *only != "" {
		pattern, err := regexp.Compile(*only)
		if err != nil {
			_, _ = fmt.Fprintln(os.Stderr, "drill: -only:", err)
			return 2
		}
		d.only = pattern
	}
	d.breakAlert, d.breakExpr, _ = strings.Cut(*broken, "=")
	report, err := d.run(ctx)
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "drill:", err)
		return 1
	}
	report.print(os.Stdout)
	if *out != "" {
		if err := os.WriteFile(*out, []byte(report.markdown()), 0o644); err != nil { //nolint:gosec // documentation is for all to read
			_, _ = fmt.Fprintln(os.Stderr, "drill:", err)
			return 1
		}
	}
	if !report.passed() {
		return 1
	}
	return 0
}
