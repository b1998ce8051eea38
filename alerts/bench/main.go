// Command bench measures what one evaluation of the alerting rules costs a real Prometheus for a large organization. It serves
// the series of that many clusters and lets Prometheus scrape them and evaluate the rules. Then it stops both, evaluates each
// rule once more, and prints the processor time that Prometheus took for it, so that other work on the machine does not count.
// Times in the rules are divided by a factor, and so is the minute between two scrapes: after 90 minutes by the factor every
// range of the rules has as many samples as in production. It needs Linux.
//
//	go run ./alerts/bench -prometheus "$(command -v prometheus)"
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/drill/scale"
)

func main() {
	if err := run(context.Background(), os.Args[1:], os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	prometheus := flags.String("prometheus", "prometheus", "The Prometheus to measure.")
	rulesPath := flags.String("rules", "alerts/mongodbatlas.rules.yml", "The rules.")
	clusters := flags.Int("clusters", 6250, "Number of clusters, 25 in a project.")
	factor := flags.Int("factor", 12, "What times are divided by; 60 is a multiple of it.")
	duration := flags.Duration("duration", 9*time.Minute, "How long to scrape.")
	if err := flags.Parse(args); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	rules, err := os.ReadFile(*rulesPath)
	if err != nil {
		return err
	}
	scaled, err := scale.Rules(rules, float64(*factor))
	if err != nil {
		return err
	}

	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	body, series := exposition(*clusters)
	server := &http.Server{
		ReadHeaderTimeout: time.Minute,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain; version=0.0.4")
			_, _ = w.Write(body)
			_, _ = fmt.Fprintf(w, "mongodbatlas_up 1\n")
		}),
	}
	go func() { _ = server.Serve(listener) }()
	defer func() { _ = server.Close() }()

	minute := time.Minute / time.Duration(*factor)
	config := fmt.Sprintf("global: {scrape_interval: %s, scrape_timeout: %s, evaluation_interval: %s}\nrule_files: [rules.yml]\n"+
		"scrape_configs: [{job_name: mongodbatlas, static_configs: [{targets: [%q]}]}]\n", minute, minute, minute, listener.Addr())
	for name, content := range map[string][]byte{"rules.yml": scaled, "prometheus.yml": []byte(config)} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			return err
		}
	}
	address, err := freeAddress(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	//nolint:gosec // The program is the one that the caller names.
	process := exec.CommandContext(ctx, *prometheus, "--config.file="+filepath.Join(dir, "prometheus.yml"),
		"--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+address, "--web.enable-lifecycle")
	process.Stderr = os.Stderr
	if err := process.Start(); err != nil {
		return err
	}
	defer func() { cancel(); _ = process.Wait() }()
	if _, err := fmt.Fprintf(out, "%d clusters, %d series, %s\n", *clusters, series, *duration); err != nil {
		return err
	}
	time.Sleep(*duration)
	if err := os.WriteFile(filepath.Join(dir, "prometheus.yml"), nil, 0o600); err != nil {
		return err
	}
	if err := call(ctx, "http://"+address+"/-/reload", nil); err != nil {
		return err
	}
	return measure(ctx, "http://"+address, process.Process.Pid, scaled, out)
}

func freeAddress(ctx context.Context) (string, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

// exposition returns the series of so many clusters: one in twenty is paused or off, one in twenty has failed exports.
func exposition(clusters int) ([]byte, int) {
	var (
		out    bytes.Buffer
		series int
		now    = time.Now().Unix()
	)
	write := func(name, labels string, value int64) {
		series++
		fmt.Fprintf(&out, "%s{%s} %d\n", name, labels, value)
	}
	one := func(condition bool) int64 {
		if condition {
			return 1
		}
		return 0
	}
	for i := range clusters {
		project := fmt.Sprintf(`group_id="p%d",group_name="project-%d"`, i/25, i/25)
		if i%25 == 0 {
			write("mongodbatlas_project_info", project+`,org_id="o"`, 1)
			write("mongodbatlas_target_up", project+`,cl_name="",pipeline="",collector="clusters"`, 1)
		}
		cluster := project + fmt.Sprintf(`,cl_name="cluster-%d"`, i)
		off, failed := i%20 == 3, i%20 == 7
		write("mongodbatlas_cluster_backup_enabled", cluster, 1)
		write("mongodbatlas_cluster_paused", cluster, one(off))
		write("mongodbatlas_cluster_created_timestamp_seconds", cluster, now-90*86400)
		write("mongodbatlas_backup_export_auto_enabled", cluster, 1)
		if !off {
			write("mongodbatlas_backup_export_expected_interval_seconds", cluster, 86400)
			write("mongodbatlas_backup_snapshot_expected_interval_seconds", cluster, 21600)
		}
		for _, state := range []string{"Queued", "InProgress", "Successful", "Failed", "Cancelled", "unknown"} {
			write("mongodbatlas_backup_export_jobs", cluster+`,state="`+state+`"`, 3)
			write("mongodbatlas_backup_export_last_job_state", cluster+`,state="`+state+`"`, one(state == "Successful"))
		}
		write("mongodbatlas_backup_export_last_success_timestamp_seconds", cluster, now-7200)
		write("mongodbatlas_backup_export_last_failure_timestamp_seconds", cluster, one(failed)*now)
		write("mongodbatlas_backup_export_last_success_duration_seconds", cluster, 900)
		write("mongodbatlas_backup_export_first_job_created_timestamp_seconds", cluster, now-80*86400)
		write("mongodbatlas_backup_export_bucket_found", cluster, 1)
		for _, state := range []string{"queued", "inProgress", "completed", "failed", "unknown"} {
			write("mongodbatlas_backup_snapshots", cluster+`,state="`+state+`"`, 3)
			write("mongodbatlas_backup_snapshot_last_state", cluster+`,state="`+state+`"`, one(state == "completed"))
		}
		write("mongodbatlas_backup_snapshot_last_success_timestamp_seconds", cluster, now)
		write("mongodbatlas_backup_snapshot_last_failure_timestamp_seconds", cluster, 0)
		write("mongodbatlas_backup_snapshot_policy_items", cluster, 4)
		write("mongodbatlas_backup_snapshot_next_timestamp_seconds", cluster, now+86400)
		if i%10 == 0 {
			write("mongodbatlas_backup_restore_last_success_timestamp_seconds", cluster+`,delivery_type="automated"`, now-7200)
			write("mongodbatlas_backup_restore_last_failure_timestamp_seconds", cluster+`,delivery_type="automated"`, 0)
			write("mongodbatlas_backup_restore_jobs", cluster+`,delivery_type="automated",state="failed"`, 0)
			write("mongodbatlas_backup_export_oldest_unfinished_job_created_timestamp_seconds", cluster, now-600)
		}
		for _, collector := range []string{"backup_exports", "backup_restores", "backup_schedule", "backup_snapshots", "collection_restores"} {
			write("mongodbatlas_target_up", cluster+`,pipeline="",collector="`+collector+`"`, 1)
			write("mongodbatlas_target_last_refresh_timestamp_seconds", cluster+`,pipeline="",collector="`+collector+`"`, now+86400)
		}
	}
	return out.Bytes(), series
}

// measure evaluates each rule once and prints the sum of the processor times and the dearest rules.
func measure(ctx context.Context, server string, pid int, rules []byte, out io.Writer) error {
	var file struct {
		Groups []struct {
			Rules []struct{ Alert, Record, Expr string }
		}
	}
	if err := yaml.Unmarshal(rules, &file); err != nil {
		return err
	}
	type cost struct {
		name string
		time time.Duration
	}
	var (
		costs []cost
		sum   time.Duration
		at    = strconv.FormatInt(time.Now().Unix()-1, 10)
	)
	for _, group := range file.Groups {
		for _, rule := range group.Rules {
			before, err := processorTime(pid)
			if err != nil {
				return err
			}
			if err := call(ctx, server+"/api/v1/query", url.Values{"query": {rule.Expr}, "time": {at}, "timeout": {"10m"}}); err != nil {
				return fmt.Errorf("%s%s: %w", rule.Alert, rule.Record, err)
			}
			after, err := processorTime(pid)
			if err != nil {
				return err
			}
			costs = append(costs, cost{rule.Alert + rule.Record, after - before})
			sum += after - before
		}
	}
	slices.SortFunc(costs, func(a, b cost) int { return int(b.time - a.time) })
	if _, err := fmt.Fprintf(out, "%d rules: %s of processor time for one evaluation\n", len(costs), sum); err != nil {
		return err
	}
	for _, one := range costs[:min(20, len(costs))] {
		if _, err := fmt.Fprintf(out, "  %-70s %s\n", one.name, one.time); err != nil {
			return err
		}
	}
	return nil
}

// processorTime returns how long a process has computed. Linux counts it in hundredths of a second.
func processorTime(pid int) (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	_, after, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(after)
	const user, system = 11, 12
	if len(fields) <= system {
		return 0, fmt.Errorf("/proc/%d/stat is %q", pid, stat)
	}
	ticks := int64(0)
	for _, field := range []string{fields[user], fields[system]} {
		number, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, err
		}
		ticks += number
	}
	return time.Duration(10*ticks) * time.Millisecond, nil
}

// call posts a form. Any status but 200 is an error.
func call(ctx context.Context, address string, form url.Values) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", response.Status, body)
	}
	return err
}
