package soak

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"syscall"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

const (
	reloadGood = prefix + "exporter_config_last_reload_successful"
	reloadTime = prefix + "exporter_config_last_reload_success_timestamp_seconds"
	// reloadLimit is far longer than a reload takes.
	reloadLimit = 30 * time.Second
)

// reloadState is what the exporter has to say of its reloads.
type reloadState struct {
	good bool
	at   span // when the last good one was
}

// reload has the exporter read its files again: by SIGHUP, or by POST. It must succeed or fail as bad says.
func (s *soak) reload(ctx context.Context, bad string) error {
	kind := "POST /-/reload"
	began := time.Now()
	var err error
	if s.atlas.chance(50) {
		kind = "SIGHUP"
		err = s.reloadBySignal(ctx, bad != "")
	} else {
		err = s.reloadByPost(ctx, bad != "")
	}
	if err != nil {
		return fmt.Errorf("reload by %s with %q: %w", kind, bad, err)
	}
	s.atlas.reloaded.good = bad == ""
	if s.atlas.reloaded.good {
		s.atlas.reloaded.at = span{math64(began), math64(time.Now()) + 0.001}
		s.atlas.ledger.reloads[kind]++
	} else {
		s.atlas.ledger.reloads[kind+" with "+bad]++
	}
	return nil
}

func (s *soak) reloadByPost(ctx context.Context, bad bool) error {
	want := http.StatusOK
	if bad {
		want = http.StatusInternalServerError
	}
	a, err := s.ask(ctx, http.MethodPost, "/-/reload")
	if err == nil && a.Status != want {
		err = fmt.Errorf("status %d instead of %d: %s", a.Status, want, a.Body)
	}
	return err
}

// reloadBySignal waits until the exporter's own metrics tell of the reload.
func (s *soak) reloadBySignal(ctx context.Context, bad bool) error {
	before, err := s.scrape(ctx, narrowPath("exporter"))
	if err != nil {
		return err
	}
	if bad && before[reloadGood+"{}"] == 0 {
		return s.reloadByPost(ctx, bad) // a second failure in a row does not show
	}
	if err := s.exporter.Signal(syscall.SIGHUP); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, reloadLimit)
	defer cancel()
	for {
		after, err := s.scrape(ctx, narrowPath("exporter"))
		if err != nil {
			return err
		}
		if bad && after[reloadGood+"{}"] == 0 || !bad && after[reloadTime+"{}"] != before[reloadTime+"{}"] {
			return nil
		}
		if err := harness.Pause(ctx, 20*time.Millisecond); err != nil {
			return errors.New("the metrics do not tell of it")
		}
	}
}

// reloadOther puts other settings in force.
func (s *soak) reloadOther(ctx context.Context) error {
	s.atlas.settings = s.otherSettings()
	if err := s.writeConfig(s.atlas.settings); err != nil {
		return err
	}
	return s.reload(ctx, "")
}

// otherSettings draws settings. Whatever may be narrowed is so in a part of them.
func (s *soak) otherSettings() *settings {
	a, next := s.atlas, s.atlas.settings.clone()
	next.minInterval = pick(a, 0, 0, 500*time.Millisecond)
	next.maxConcurrentRequests = pick(a, 7, 8, 9)
	next.disabled = map[string]bool{}
	if a.chance(20) {
		next.disabled[pick(a, jobLists()...).collector] = true
	}
	next.excludedProjects, next.excludedClusters, next.excludedPipelines = "", "", ""
	if a.chance(25) {
		next.excludedClusters = "scratch-.*"
	}
	if a.chance(25) {
		next.excludedPipelines = "50%.*|what.*"
	}
	next.named = nil
	switch {
	case a.chance(15):
		for _, p := range a.listedProjects() {
			if len(next.named) == 0 || a.chance(70) {
				next.named = append(next.named, p.ID)
			}
		}
	case a.chance(20):
		next.excludedProjects = "sandbox-.*"
	}
	next.intervals = nil
	if a.chance(60) {
		next.intervals = append(next.intervals, expectedInterval{clusters: "dev-.*"})
		if p := a.anyProject(); p != nil {
			next.intervals = append(next.intervals, expectedInterval{groupID: p.ID, clusters: "prod-.*", interval: 6 * time.Hour})
		}
		if a.chance(30) {
			next.intervals = append(next.intervals, expectedInterval{clusters: ".*1", interval: 12 * time.Hour})
		}
	}
	return next
}

// reloadBad has the exporter find files that it must refuse, and puts the good ones back without telling it.
func (s *soak) reloadBad(ctx context.Context) error {
	good := s.atlas.settings.yaml(s.atlas.server.URL(), s.secretFile())
	var bad string
	content := good
	secret := s.atlas.account.ClientSecret
	switch s.atlas.random.IntN(5) {
	case 0:
		bad, content = "an unknown key", good+"refrehs: {}\n"
	case 1:
		bad, content = "no YAML", "atlas: {"
	case 2:
		bad, content = "a bad pattern", strings.Replace(good, "exclude: [", `include: ["("], exclude: [`, 1)
	case 3:
		bad, content = "a value out of range", strings.Replace(good, "min_interval: ", "min_interval: 1", 1)
		content = strings.Replace(content, "discovery_interval: 1s", "discovery_interval: 1ms", 1)
	default:
		bad, secret = "an empty secret file", ""
	}
	if err := errors.Join(harness.WriteFile(s.configFile(), content), s.writeSecret(secret)); err != nil {
		return err
	}
	if err := s.reload(ctx, bad); err != nil {
		return err
	}
	return errors.Join(harness.WriteFile(s.configFile(), good), s.writeSecret(s.atlas.account.ClientSecret))
}

// rotate changes what the exporter signs in with, or what that is worth.
func (s *soak) rotate(ctx context.Context) error {
	a := s.atlas
	old, fresh := a.account, atlassim.NewServiceAccount()
	switch sum(a.ledger.rotations) % 4 { // each in turn
	case 0:
		a.server.ForgetTokens()
		a.ledger.rotations["tokens forgotten by Atlas"]++
		return nil
	case 1:
		fresh.ClientID = old.ClientID
		a.ledger.rotations["secret replaced, then reloaded"]++
	case 2:
		a.ledger.rotations["another service account, the old one deleted after the reload"]++
	default:
		a.ledger.rotations["secret revoked before the reload"]++
		return s.rotateLate(ctx)
	}
	a.server.AllowServiceAccount(fresh)
	if err := s.useAccount(ctx, fresh); err != nil {
		return err
	}
	// Readings that began before the reload may end with the old credentials.
	if err := harness.Pause(ctx, time.Second); err != nil {
		return err
	}
	if fresh.ClientID != old.ClientID {
		a.server.Deny(old.ClientID)
	} else {
		a.server.ForgetTokens() // those of the old secret; others are minted anew
	}
	return nil
}

// useAccount hands a service account to the exporter.
func (s *soak) useAccount(ctx context.Context, account atlassim.ServiceAccount) error {
	s.atlas.account = account
	s.atlas.settings = s.atlas.settings.clone()
	s.atlas.settings.clientID = account.ClientID
	if err := errors.Join(s.writeSecret(account.ClientSecret), s.writeConfig(s.atlas.settings)); err != nil {
		return err
	}
	return s.reload(ctx, "")
}

// rotateLate takes the exporter's credentials out of service, sees it say so of every target while all values stay, and
// gives it new ones. Atlas stands still meanwhile.
func (s *soak) rotateLate(ctx context.Context) error {
	s.atlas.server.Deny(s.atlas.account.ClientID)
	if err := s.checkOutage(ctx); err != nil {
		return err
	}
	fresh := atlassim.NewServiceAccount()
	s.atlas.server.AllowServiceAccount(fresh)
	return s.useAccount(ctx, fresh)
}

func math64(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
