package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
)

// tenPages is 200 clusters whose lists of export jobs have ten pages.
func tenPages() atlassim.LargeOptions {
	return atlassim.LargeOptions{Projects: 8, ClustersPerProject: 25, ExportsPerCluster: 5000}
}

// measureCounts compares requests and bytes of a quiet refresh with those of reading everything.
func measureCounts(ctx context.Context, _ int) ([]row, error) {
	var rows []row
	for _, order := range []atlassim.Order{atlassim.NewestFirst, atlassim.OldestFirst} {
		size := tenPages()
		size.Order = order
		server, err := startAtlas(size, 0, true)
		if err != nil {
			return nil, err
		}
		e, end, err := newExporter(server.URL(), 0)
		if err != nil {
			return nil, err
		}
		readAll(ctx, e)
		whole, wholeBytes := server.Count(atlassim.OpListBackupExports), server.BytesSent()
		readAll(ctx, e)
		quiet, quietBytes := server.Count(atlassim.OpListBackupExports)-whole, server.BytesSent()-wholeBytes
		end()
		_ = server.Close()
		if whole < 200*10 || whole > 200*11 {
			return nil, fmt.Errorf("reading everything took %d requests, 10 or 11 a list were expected", whole)
		}
		note := fmt.Sprintf("200 lists of 10 pages, %s, exact", map[atlassim.Order]string{atlassim.NewestFirst: "newest first", atlassim.OldestFirst: "oldest first"}[order])
		rows = append(rows,
			row{"requests of a quiet refresh / reading everything", []float64{float64(quiet) / float64(whole)}, "", 0.11, note},
			row{"bytes of a quiet refresh / reading everything", []float64{float64(quietBytes) / float64(wholeBytes)}, "", 0.01, note},
		)
	}
	return rows, nil
}

// measureDigest counts the round trips of requests that are signed with an API key.
func measureDigest(ctx context.Context, _ int) ([]row, error) {
	server, err := startAtlas(atlassim.LargeOptions{Projects: 1, ClustersPerProject: 1}, time.Millisecond, true)
	if err != nil {
		return nil, err
	}
	defer func() { _ = server.Close() }()
	u, err := url.Parse(server.URL())
	if err != nil {
		return nil, err
	}
	client := atlasapi.New(atlasapi.Options{
		BaseURL: u, Credentials: atlasapi.NewAPIKey(clientID, clientSecret), MaxConcurrentRequests: inFlight,
	})
	defer client.Close()
	const requests = 1000
	var wg sync.WaitGroup
	failures := make([]error, inFlight)
	for worker := range inFlight {
		wg.Go(func() {
			for range requests / inFlight {
				if _, err := client.Projects().Page(ctx, 1, atlasapi.MaxPageSize); err != nil {
					failures[worker] = err
				}
			}
		})
	}
	wg.Wait()
	if err := errors.Join(failures...); err != nil {
		return nil, err
	}
	return []row{{
		"round trips of a request with an API key",
		[]float64{float64(server.Count(atlassim.OpListProjects)) / float64(requests/inFlight*inFlight)},
		"", 1.1,
		"about 1,000 requests, 16 at a time, exact",
	}}, nil
}
