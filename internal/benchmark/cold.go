package main

import (
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
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"
)

// clientCommand begins the arguments of a process that is measured.
const clientCommand = "client"

// garbagePercent is what the program sets for itself.
const garbagePercent = 50

// The clients that read the same pages.
const (
	clientExporter = "exporter" // as the exporter does
	clientFloor    = "floor"    // throwing the bytes away
	clientDecoder  = "decoder"  // decoding into full structs with encoding/json, and keeping them
)

// cost is what one client took.
type cost struct{ wall, cpu time.Duration }

// measureCold compares a cold reading of everything with the floor, by time, and with a straightforward client, by CPU.
func measureCold(ctx context.Context, pairs int) ([]row, error) {
	server, err := startAtlas(tenPages(), 80*time.Millisecond, true)
	if err != nil {
		return nil, err
	}
	defer func() { _ = server.Close() }()
	dir, err := os.MkdirTemp("", "benchmark")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	list := filepath.Join(dir, "calls")
	if err := listCalls(ctx, server.URL(), list); err != nil {
		return nil, err
	}
	wall := row{"cold reading, time / floor", nil, "", 1.05, "200 clusters, 10 pages a list, 80 ms, 16 in flight"}
	cpu := row{"cold reading, CPU / decoding into full structs", nil, "", 0.35, "same"}
	floorCPU := row{"cold reading, CPU / floor", nil, "", 100, "same; for information"}
	for i := range pairs + 1 {
		costs := map[string]cost{}
		for _, client := range []string{clientFloor, clientExporter, clientDecoder} {
			if costs[client], err = runProcess(ctx, client, server.URL(), list); err != nil {
				return nil, err
			}
		}
		if i == 0 {
			continue // the server made its pages
		}
		wall.ratios = append(wall.ratios, costs[clientExporter].wall.Seconds()/costs[clientFloor].wall.Seconds())
		cpu.ratios = append(cpu.ratios, costs[clientExporter].cpu.Seconds()/costs[clientDecoder].cpu.Seconds())
		floorCPU.ratios = append(floorCPU.ratios, costs[clientExporter].cpu.Seconds()/costs[clientFloor].cpu.Seconds())
	}
	return []row{wall, cpu, floorCPU}, nil
}

// runProcess runs a client in a process of its own, and takes its CPU time from the operating system.
func runProcess(ctx context.Context, client, url, list string) (cost, error) {
	self, err := os.Executable()
	if err != nil {
		return cost{}, err
	}
	cmd := exec.CommandContext(ctx, self, clientCommand, client, url, list)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return cost{}, fmt.Errorf("client %s: %w", client, err)
	}
	wall, err := strconv.ParseInt(strings.TrimSpace(string(out)), 10, 64)
	return cost{time.Duration(wall), cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}, err
}

// runClient is the process that is measured. It prints the nanoseconds that its reading took.
func runClient(ctx context.Context, client string, args []string) error {
	if len(args) != 2 {
		return errors.New("a URL and a list of calls are expected")
	}
	start := time.Now()
	if client == clientExporter {
		debug.SetGCPercent(garbagePercent)
		e, end, err := newExporter(args[0], 0)
		if err != nil {
			return err
		}
		defer end()
		readAll(ctx, e)
	} else if err := fetchAll(ctx, args[0], args[1], client == clientDecoder); err != nil {
		return err
	}
	_, err := fmt.Println(time.Since(start).Nanoseconds())
	return err
}

// fetchAll makes the calls of the list, 16 at a time, in its order.
func fetchAll(ctx context.Context, base, list string, decode bool) error {
	raw, err := os.ReadFile(list)
	if err != nil {
		return err
	}
	token, err := mint(ctx, base)
	if err != nil {
		return err
	}
	calls := make(chan string)
	failures := make([]error, inFlight)
	kept := make([][]exportsPage, inFlight)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: inFlight}}
	var wg sync.WaitGroup
	for worker := range inFlight {
		wg.Go(func() {
			for call := range calls {
				path, accept, _ := strings.Cut(call, " ")
				var page exportsPage
				if err := fetch(ctx, client, base+path, accept, token, decode, &page); err != nil {
					failures[worker] = err
				}
				kept[worker] = append(kept[worker], page)
			}
		})
	}
	for call := range strings.Lines(string(raw)) {
		calls <- strings.TrimSpace(call)
	}
	close(calls)
	wg.Wait()
	return errors.Join(failures...)
}

func fetch(ctx context.Context, client *http.Client, url, accept, token string, decode bool, into *exportsPage) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Accept", accept)
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", url, resp.Status)
	}
	if !decode {
		_, err = io.Copy(io.Discard, resp.Body)
		return err
	}
	if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

// exportsPage is a page as a straightforward client would declare it. Other answers leave most of it empty.
type exportsPage struct {
	Links   []struct{ Href, Rel string } `json:"links"`
	Results []struct {
		ID             string    `json:"id"`
		State          string    `json:"state"`
		CreatedAt      time.Time `json:"createdAt"`
		FinishedAt     *time.Time
		SnapshotID     string `json:"snapshotId"`
		ExportBucketID string `json:"exportBucketId"`
		Prefix         string `json:"prefix"`
		ExportStatus   *struct{ ExportedCollections, TotalCollections int }
		CustomData     []struct{ Key, Value string }
		Components     []struct{ ExportID, ReplicaSetName string }
		StateReason    *struct{ ErrorCode, Message string }
	} `json:"results"`
	TotalCount int `json:"totalCount"`
}

func mint(ctx context.Context, base string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/api/oauth/token", bytes.NewReader([]byte("grant_type=client_credentials")))
	if err != nil {
		return "", err
	}
	req.SetBasicAuth(clientID, clientSecret)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	var token struct {
		AccessToken string `json:"access_token"`
	}
	err = json.NewDecoder(resp.Body).Decode(&token)
	return token.AccessToken, err
}

// listCalls writes down every call that a cold reading makes: path, query and media type.
func listCalls(ctx context.Context, base, file string) error {
	const v2023, v2024 = "application/vnd.atlas.2023-01-01+json", "application/vnd.atlas.2024-08-05+json"
	token, err := mint(ctx, base)
	if err != nil {
		return err
	}
	type named struct{ ID, Name string }
	things := func(path, accept string) ([]named, error) {
		var page struct{ Results []named }
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+path, nil)
		if err != nil {
			return nil, err
		}
		req.Header.Set("Accept", accept)
		req.Header.Set("Authorization", "Bearer "+token)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return nil, err
		}
		defer func() { _ = resp.Body.Close() }()
		err = json.NewDecoder(resp.Body).Decode(&page)
		return page.Results, err
	}
	const groups, size = "/api/atlas/v2/groups", "?includeCount=false&itemsPerPage=500&pageNum="
	calls := []string{groups + size + "1 " + v2023}
	var exports []string
	projects, err := things(groups, v2023)
	if err != nil {
		return err
	}
	for _, p := range projects {
		path := groups + "/" + p.ID + "/clusters"
		calls = append(calls, path+size+"1 "+v2024)
		clusters, err := things(path, v2024)
		if err != nil {
			return err
		}
		for _, c := range clusters {
			calls = append(calls, path+"/"+c.Name+"/backup/schedule "+v2024)
			for page := range tenPages().ExportsPerCluster / 500 {
				exports = append(exports, path+"/"+c.Name+"/backup/exports"+size+strconv.Itoa(page+1)+" "+v2023)
			}
		}
	}
	return os.WriteFile(file, []byte(strings.Join(append(calls, exports...), "\n")), 0o600)
}
