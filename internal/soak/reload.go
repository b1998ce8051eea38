package soak

import (
	"syscall"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// reloadTime is the metric with the time of the last successful reload.
const reloadTime = "exporter_config_last_reload_success_timestamp_seconds"

func (s *soak) write() {
	a := s.atlas
	config := a.oracle.settings.yaml(a.server.URL(), s.secretFile)
	harness.WriteFile(s.t, s.configFile, config)
	harness.WriteFile(s.t, s.secretFile, a.account.ClientSecret+"\n")
}

// reload loads new settings, by SIGHUP or by POST, and waits until the exporter's metrics confirm it.
func (s *soak) reload(next *settings) {
	const series = prefix + reloadTime + "{}"
	before := s.scrape(path("", "exporter"))[series]
	s.atlas.oracle.settings = next
	s.write()
	began, kind := time.Now(), pick(s.atlas, "SIGHUP", "POST /-/reload")
	s.atlas.done["reloads"][kind]++
	var err error
	if kind == "SIGHUP" {
		err = s.exporter.Signal(syscall.SIGHUP)
	} else {
		err = s.exporter.Reload(s.t.Context())
	}
	isNew := func(got harness.Exposition) bool { return got[series] != before }
	if err != nil || !s.await(path("", "exporter"), isNew) {
		s.t.Fatalf("%s: reload failed: %v", kind, err)
	}
	s.atlas.oracle.reloaded = span{precise(began), precise(time.Now()) + 0.001}
}

// rotate changes or invalidates the exporter's credentials, in each way in turn.
func (s *soak) rotate() {
	a := s.atlas
	old, fresh := a.account, atlassim.NewServiceAccount()
	var way string
	switch a.done["rotations"].Sum() % 4 {
	case 0:
		way = "tokens forgotten by Atlas"
		a.server.ForgetTokens()
	case 1:
		way = "secret replaced, then reloaded"
		fresh.ClientID = old.ClientID
		s.useAccount(fresh)
		a.server.ForgetTokens() // Atlas issues tokens for the new secret only
	case 2:
		way = "another service account, the old one deleted after the reload"
		s.useAccount(fresh)
		a.server.Deny(old.ClientID)
	default:
		way = "secret revoked before the reload"
		a.server.Deny(old.ClientID)
		s.outage()
		s.useAccount(fresh)
	}
	a.done["rotations"][way]++
}

// useAccount gives the exporter another service account. It waits a second so that reads that began before the reload end:
// they may still use the old account.
func (s *soak) useAccount(account atlassim.ServiceAccount) {
	s.atlas.server.AllowServiceAccount(account)
	s.atlas.account = account
	next := *s.atlas.oracle.settings
	next.clientID = account.ClientID
	s.reload(&next)
	time.Sleep(time.Second)
}

// outage waits until every target reports that the credentials are refused, and checks that all values stay. Nothing has
// changed since the last check.
func (s *soak) outage() {
	s.atlas.oracle.refused = true
	defer func() { s.atlas.oracle.refused = false }()
	want := s.want()
	var found []string
	s.await("/metrics", func(got harness.Exposition) bool {
		_, found = compare(want, got)
		return len(found) == 0
	})
	s.differ("/metrics while the credentials are refused", found)
}
