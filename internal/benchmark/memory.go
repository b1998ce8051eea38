package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
)

// measureMemory compares the peak memory of the exporter that reads the largest organisation that Atlas allows, project
// by project, with that of one that has nothing to read.
func measureMemory(ctx context.Context, _ int) ([]row, error) {
	dir, err := os.MkdirTemp("", "benchmark")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	program := filepath.Join(dir, "exporter")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("building the exporter (run this from the project's root): %w\n%s", err, out)
	}
	idle, _, err := peak(ctx, program, atlassim.LargeOptions{Projects: 1})
	if err != nil {
		return nil, err
	}
	full, jobs, err := peak(ctx, program, largest())
	if err != nil {
		return nil, err
	}
	return []row{{
		"peak memory over an idle process",
		[]float64{float64(full-idle) / (1 << 20)},
		" MiB", 152.5, // 160 MB
		fmt.Sprintf("6,250 clusters, %d export jobs, 192 snapshots a cluster, /probe for each project; idle %d MiB", jobs, idle>>20),
	}}, nil
}

// largest is the largest organization that Atlas allows, each cluster with a year of daily exports and the snapshots of
// eight days.
func largest() atlassim.LargeOptions {
	return atlassim.LargeOptions{
		Projects: 250, ClustersPerProject: 25, ExportsPerCluster: 368,
		SnapshotsPerCluster: 192, CollectionRestoresPerCluster: 4, FlexClustersPerProject: 5,
	}
}

// peak runs the program on an organisation, scrapes each project once, and returns the most memory that it ever held,
// in bytes, and the number of export jobs that it shows.
func peak(ctx context.Context, program string, size atlassim.LargeOptions) (rss int64, jobs int, err error) {
	server, err := startAtlas(size, 0, false)
	if err != nil {
		return 0, 0, err
	}
	defer func() { _ = server.Close() }()
	cmd := exec.CommandContext(ctx, program, "--web.listen-address=127.0.0.1:0", "--log.level=info")
	cmd.Env = append(os.Environ(), "MONGODB_ATLAS_BASE_URL="+server.URL(),
		"MONGODB_ATLAS_CLIENT_ID="+clientID, "MONGODB_ATLAS_CLIENT_SECRET="+clientSecret)
	log, err := cmd.StderrPipe()
	if err != nil {
		return 0, 0, err
	}
	if err := cmd.Start(); err != nil {
		return 0, 0, err
	}
	defer func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	}()
	base, err := listening(log)
	if err != nil {
		return 0, 0, err
	}
	if jobs, err = probeAll(ctx, base); err != nil {
		return 0, 0, err
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid))
	if err != nil {
		return 0, 0, fmt.Errorf("the peak memory of a process is read from /proc, which Linux has: %w", err)
	}
	match := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(status)
	if match == nil {
		return 0, 0, errors.New("/proc tells no peak memory")
	}
	kib, err := strconv.ParseInt(string(match[1]), 10, 64)
	return kib << 10, jobs, err
}

// listening waits for the log line with the address, and has the rest thrown away.
func listening(log io.Reader) (string, error) {
	lines := bufio.NewScanner(log)
	address := regexp.MustCompile(`Listening on.* address=(\S+)`)
	for lines.Scan() {
		if match := address.FindStringSubmatch(lines.Text()); match != nil {
			go func() { _, _ = io.Copy(io.Discard, log) }()
			return "http://" + match[1], nil
		}
	}
	return "", errors.New("the exporter ended before it listened")
}

// probeAll scrapes each project until all its lists are read, and returns the number of its export jobs.
func probeAll(ctx context.Context, base string) (jobs int, err error) {
	var targets []struct{ Labels map[string]string }
	for len(targets) == 0 {
		status, body, err := getPage(ctx, base+"/sd")
		switch {
		case err != nil:
			return 0, err
		case status == http.StatusOK:
			err = json.Unmarshal(body, &targets)
		default:
			time.Sleep(100 * time.Millisecond)
		}
		if err != nil {
			return 0, err
		}
	}
	for _, t := range targets {
		for {
			_, body, err := getPage(ctx, base+"/probe?target="+t.Labels["__param_target"])
			if err != nil {
				return 0, err
			}
			if everyListRead(body) {
				jobs += sumJobs(string(body))
				break
			}
		}
	}
	return jobs, nil
}

// everyListRead reports whether a scrape shows every list of jobs that the organization has.
func everyListRead(metrics []byte) bool {
	for _, name := range []string{"backup_exports", "backup_snapshots", "collection_restores", "flex_snapshots"} {
		if !bytes.Contains(metrics, fmt.Appendf(nil, "mongodbatlas_scrape_collector_success{collector=%q} 1", name)) {
			return false
		}
	}
	return true
}

func sumJobs(metrics string) int {
	sum := 0.0
	for line := range strings.Lines(metrics) {
		if strings.HasPrefix(line, "mongodbatlas_backup_export_jobs{") {
			n, _ := strconv.ParseFloat(strings.TrimSpace(line[strings.LastIndex(line, " "):]), 64)
			sum += n
		}
	}
	return int(sum)
}

func getPage(ctx context.Context, url string) (status int, body []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err = io.ReadAll(resp.Body)
	return resp.StatusCode, body, err
}
