package soak

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// endpoints are the operations that the exporter may count calls of.
func endpoints() []string {
	all := []string{
		atlassim.OpToken, atlassim.OpListProjects, atlassim.OpGetProject, atlassim.OpListClusters, atlassim.OpListPipelines,
		atlassim.OpGetBackupSchedule, atlassim.OpListExportBuckets, atlassim.OpListFlexClusters,
		atlassim.OpListShardedBackupSnapshots, atlassim.OpTriggerPipeline,
	}
	for _, l := range jobLists() {
		all = append(all, l.operation)
	}
	return all
}

// judgeAPI judges the series that count calls to Atlas. Calls go on while it looks, so the numbers are held against
// Atlas's own: the exporter has not counted more than arrived.
func (s *soak) judgeAPI(got harness.Exposition) []difference {
	var found []difference
	ids := s.projects()
	counted := map[string]float64{}
	for key, value := range got {
		if !ownFamily(key) {
			continue
		}
		wrong := func(want string) { found = append(found, difference{key, want, number(value)}) }
		endpoint, group := harness.Label(key, "endpoint"), harness.Label(key, "group_id")
		if family := harness.Family(key); family != prefix+"exporter_build_info" && !slices.Contains(endpoints(), endpoint) {
			wrong("a known endpoint")
		}
		switch strings.TrimPrefix(harness.Family(key), prefix) {
		case "api_requests_total":
			counted[endpoint] += value
		case "api_ratelimit_limit":
			if value != bucketCapacity {
				wrong(number(bucketCapacity))
			}
		case "api_ratelimit_remaining":
			if value < 0 || value > bucketCapacity {
				wrong("what a bucket can hold")
			}
		case "api_sunset_timestamp_seconds":
			if endpoint != atlassim.OpListPipelineRuns || value != seconds(sunset) {
				wrong("the end that Atlas announces, of pipeline runs alone")
			}
		case "exporter_build_info":
			if value != 1 {
				wrong("1")
			}
		}
		if group != "" && !slices.Contains(ids, group) {
			wrong("no series of a project that is not read")
		}
	}
	for endpoint, n := range counted {
		if arrived := float64(s.atlas.server.Count(endpoint)); n > arrived {
			found = append(found, difference{
				fmt.Sprintf("sum of %sapi_requests_total{endpoint=%q}", prefix, endpoint), "at most " + number(arrived), number(n),
			})
		}
	}
	return found
}

// judgeCalls compares the number of calls with Atlas's. Nobody else scrapes any more; what the last scrape began may take a
// moment to end.
func (s *soak) judgeCalls(ctx context.Context) error {
	for deadline := time.Now().Add(lookLimit); ; {
		got, err := s.scrape(ctx, narrowPath("exporter"))
		if err != nil {
			return err
		}
		found := s.miscounted(got)
		if len(found) == 0 || time.Now().After(deadline) {
			s.differ("calls", found)
			return nil
		}
		if err := harness.Pause(ctx, lookPause); err != nil {
			return err
		}
	}
}

// miscounted lists the endpoints of which another number of calls was counted than arrived.
func (s *soak) miscounted(got harness.Exposition) []difference {
	var found []difference
	counted := map[string]float64{}
	for key, value := range got {
		if harness.Family(key) == prefix+"api_requests_total" {
			counted[harness.Label(key, "endpoint")] += value
		}
	}
	for _, endpoint := range endpoints() {
		if arrived := float64(s.atlas.server.Count(endpoint)); counted[endpoint] != arrived {
			found = append(found, difference{
				fmt.Sprintf("sum of %sapi_requests_total{endpoint=%q}", prefix, endpoint), number(arrived), number(counted[endpoint]),
			})
		}
	}
	return found
}
