package soak

import (
	"context"
	"errors"
	"net/http"
	"syscall"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// reloadTime is the metric that says when the exporter was last reloaded.
const reloadTime = "exporter_config_last_reload_success_timestamp_seconds"

// write writes the configuration and the secret file.
func (s *soak) write() error {
	a := s.atlas
	config := a.oracle.settings.yaml(a.server.URL(), s.secretFile)
	return errors.Join(harness.WriteFile(s.configFile, config), harness.WriteFile(s.secretFile, a.account.ClientSecret+"\n"))
}

// reload puts settings in force, by SIGHUP or by POST, and waits until the exporter's metrics say that they are.
func (s *soak) reload(ctx context.Context, next *settings) error {
	before, err := s.scrape(ctx, path("", "exporter"))
	if err != nil {
		return err
	}
	s.atlas.oracle.settings = next
	if err := s.write(); err != nil {
		return err
	}
	began, kind := time.Now(), pick(s.atlas, "SIGHUP", "POST /-/reload")
	s.atlas.done.Reloads[kind]++
	if kind == "SIGHUP" {
		err = s.exporter.Signal(syscall.SIGHUP)
	} else {
		_, err = harness.Ask(ctx, http.MethodPost, s.exporter.URL()+"/-/reload", 0)
	}
	err = errors.Join(err, s.await(ctx, path("", "exporter"), func(got harness.Exposition) bool {
		return got[prefix+reloadTime+"{}"] != before[prefix+reloadTime+"{}"]
	}))
	s.atlas.oracle.reloaded = span{precise(began), precise(time.Now()) + 0.001}
	return err
}

// rotate changes what the exporter signs in with, or what that is worth: each way in turn.
func (s *soak) rotate(ctx context.Context) error {
	a := s.atlas
	old, fresh := a.account, atlassim.NewServiceAccount()
	var way string
	var err error
	switch a.done.Rotations.Sum() % 4 {
	case 0:
		way = "tokens forgotten by Atlas"
		a.server.ForgetTokens()
	case 1:
		way = "secret replaced, then reloaded"
		fresh.ClientID = old.ClientID
		err = s.useAccount(ctx, fresh)
		a.server.ForgetTokens() // those of the old secret; others are minted anew
	case 2:
		way = "another service account, the old one deleted after the reload"
		err = s.useAccount(ctx, fresh)
		a.server.Deny(old.ClientID)
	default:
		way = "secret revoked before the reload"
		a.server.Deny(old.ClientID)
		if err = s.outage(ctx); err == nil {
			err = s.useAccount(ctx, fresh)
		}
	}
	a.done.Rotations[way]++
	return err
}

// useAccount hands a service account to the exporter. Readings that began before the reload have then ended: they may use
// the old one.
func (s *soak) useAccount(ctx context.Context, account atlassim.ServiceAccount) error {
	s.atlas.server.AllowServiceAccount(account)
	s.atlas.account = account
	next := *s.atlas.oracle.settings
	next.clientID = account.ClientID
	return errors.Join(s.reload(ctx, &next), harness.Pause(ctx, time.Second))
}

// outage waits until every target says that the credentials are refused, and sees that all values stay. Nothing has
// happened since the last look.
func (s *soak) outage(ctx context.Context) error {
	s.atlas.oracle.refused = true
	defer func() { s.atlas.oracle.refused = false }()
	want := s.want()
	var found []difference
	err := s.await(ctx, "/metrics", func(got harness.Exposition) bool {
		_, found = compare(want, got)
		return len(found) == 0
	})
	s.differ("/metrics while the credentials are refused", found)
	return err
}
