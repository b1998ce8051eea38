package soak

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

var errNoOutage = errors.New("the exporter does not say that its credentials are refused")

// checkOutage waits until every target says that the credentials are refused, and sees that all values stay. Nothing has
// happened since the last look.
func (s *soak) checkOutage(ctx context.Context) error {
	deadline := time.Now().Add(lookLimit)
	want := slices.Clone(s.wanted)
	want[0] = group{[]samples{outage(want[0].alternatives[0])}}
	for {
		got, err := s.scrape(ctx, "/metrics")
		if err != nil {
			return err
		}
		found := compare(want, got, promised)
		if len(found.differences) == 0 {
			s.compared += found.compared
			return nil
		}
		if time.Now().After(deadline) {
			s.differ("/metrics while the credentials are refused", found.differences)
			return fmt.Errorf("%w: %d differences", errNoOutage, len(found.differences))
		}
		if err := harness.Pause(ctx, lookPause); err != nil {
			return err
		}
	}
}

// outage is what becomes of the samples that tell of targets when every reading fails for the credentials. A target that
// is not supported is not read, and stays what it is.
func outage(before samples) samples {
	want, down := samples{}, map[string]bool{}
	for key := range before {
		if harness.Family(key) == prefix+"target_up" {
			down[harness.Label(key, "collector")] = true
		}
	}
	for key, value := range before {
		want[key] = value
		switch harness.Family(key) {
		case prefix + "up":
			want[key] = exactly(0)
		case prefix + "target_up":
			want[key] = exactly(0)
			labels := strings.TrimPrefix(strings.TrimSuffix(key, "}"), prefix+"target_up")
			want[prefix+"target_last_error_info"+labels+`,reason="unauthorized"}`] = exactly(1)
		case prefix + "scrape_collector_success":
			if down[harness.Label(key, "collector")] {
				want[key] = exactly(0)
			}
		case prefix + "targets":
			switch harness.Label(key, "state") {
			case "up":
				want[key] = exactly(0)
			case "down":
				want[key] = before[strings.Replace(key, `state="down"`, `state="up"`, 1)]
			}
		}
	}
	return want
}
