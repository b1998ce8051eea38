// Command generate writes the alerting rules from one template: alerts/mongodbatlas.rules.yml, and the chart's file, which
// has names for Helm to replace by URLs and thresholds. With -values it prints the rules for a values file instead. The keys
// of that file are those of the chart's prometheusRule block:
//
//	go run ./alerts/generate -values my-values.yml > mongodbatlas.rules.yml
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

const (
	plainPath = "alerts/mongodbatlas.rules.yml"
	chartPath = "deploy/helm/mongodbatlas-backup-exporter/files/mongodbatlas.rules.yml"
)

func main() {
	if err := run(os.Args[1:], os.Stdout, os.Stderr); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func run(args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("generate", flag.ContinueOnError)
	flags.SetOutput(stderr)
	valuesPath := flags.String("values", "", "Print the rules for this values file.")
	root := flags.String("root", ".", "Write the rules and the chart's rules below this directory.")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *valuesPath != "" {
		return printRules(*valuesPath, stdout)
	}
	files, err := generated()
	if err != nil {
		return err
	}
	for _, path := range slices.Sorted(maps.Keys(files)) {
		//nolint:gosec // Rules are for everybody to read.
		if err := os.WriteFile(filepath.Join(*root, filepath.FromSlash(path)), files[path], 0o644); err != nil {
			return err
		}
	}
	return nil
}

func printRules(valuesPath string, stdout io.Writer) error {
	content, err := os.ReadFile(valuesPath)
	if err != nil {
		return err
	}
	values, err := readValues(content)
	if err != nil {
		return fmt.Errorf("%s: %w", valuesPath, err)
	}
	rules, err := Rules(values)
	if err != nil {
		return fmt.Errorf("%s: %w", valuesPath, err)
	}
	_, err = stdout.Write(rules)
	return err
}

// generated returns the generated files by their path.
func generated() (map[string][]byte, error) {
	plain, err := Rules(defaults())
	if err != nil {
		return nil, err
	}
	chart, err := render()
	if err != nil {
		return nil, err
	}
	return map[string][]byte{plainPath: plain, chartPath: []byte(chart)}, nil
}
