package drill

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"syscall"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
)

// shop is a project in which all is well: two clusters with exports, a restore, and a pipeline.
func shop(a *actor) *atlassim.Cluster {
	c := a.healthy(dailyCluster, 3*time.Hour)
	a.restored(c, 5*time.Hour, func(r *atlassim.Restore) { r.FinishedAt = a.ago(4 * time.Hour) })
	a.healthy(manualCluster, 3*time.Hour)
	a.pipeline(3*time.Hour, time.Hour, nil)
	return c
}

// failingShop is a shop in which an export has failed, so that a page stands all the time. It must not come twice.
func failingShop(a *actor) {
	a.exported(shop(a), 2*time.Hour, time.Hour, atlassim.ExportFailed)
	a.expect(a.built, "MongoDBAtlasBackupExportFailed", "cl_name", dailyCluster)
}

// anything is every request for Atlas's data: signing in still works.
func anything(fault atlassim.Fault) atlassim.Fault {
	fault.Authenticated = true
	return fault
}

// lonelyIncidents concern everything that an exporter reads, or the exporter: each plays on a stack of its own.
func lonelyIncidents() []scenario {
	unreachable := func(name, story string, fault atlassim.Fault) scenario {
		return scenario{name: name, story: story, lasts: 90 * time.Minute, act: func(a *actor) {
			shop(a)
			a.fault(soon, 0, fault)
			a.expectAnywhere(a.after(soon), "MongoDBAtlasUnreachable")
		}}
	}
	return []scenario{
		{name: "credentials-revoked", story: "the service account is deleted", lasts: 90 * time.Minute, act: func(a *actor) {
			shop(a)
			a.in(soon, func(time.Time) { a.server.Deny(a.account.ClientID) })
			a.expectAnywhere(a.after(soon), "MongoDBAtlasUnauthorized")
		}},
		unreachable("ip-access-list", "the exporter's address is taken off the access list",
			anything(atlassim.Fault{Status: http.StatusForbidden, Code: "IP_ADDRESS_NOT_ON_ACCESS_LIST"})),
		unreachable("api-down", "the whole API answers 503", atlassim.Fault{Status: http.StatusServiceUnavailable}),
		unreachable("api-slow", "the whole API answers later than requests wait", atlassim.Fault{Delay: time.Minute}),
		unreachable("api-html", "a proxy answers everything with a page of HTML", atlassim.Fault{
			Status: http.StatusOK, Body: "<html><body>Please sign in to the network.</body></html>",
			Header: http.Header{"Content-Type": {"text/html"}},
		}),
		unreachable("network-cut", "every connection is cut", atlassim.Fault{
			Handler: func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		}),
		{name: "rate-limited", story: "another tool uses up the limit: a 429 every 10 minutes", lasts: 70 * time.Minute, slower: 20, act: func(a *actor) {
			shop(a)
			for at := soon; at < 70*time.Minute; at += 10 * time.Minute {
				a.fault(at, 0, anything(atlassim.Fault{
					Operation: atlassim.OpListBackupExports, Times: 1, Status: http.StatusTooManyRequests, Code: "RATE_LIMITED",
				}))
			}
			a.expectAnywhere(a.after(soon), "MongoDBAtlasRateLimited", "endpoint", atlassim.OpListBackupExports)
		}},
		{name: "exporter-crashed", story: "the exporter is killed and not started again", lasts: time.Hour, act: func(a *actor) {
			failingShop(a)
			a.do(soon, func(s *stack) error { return s.end(0, syscall.SIGKILL) })
			a.expectAnywhere(a.after(soon), "MongoDBAtlasExporterDown", "job", "mongodbatlas")
		}},
		{name: "reload-broken", story: "a reload finds a bad configuration", lasts: time.Hour, act: func(a *actor) {
			shop(a)
			a.do(soon, func(s *stack) error {
				s.writeFile("exporter.yml", "refresh: {min_interval: often}\n")
				if err := s.reload(); err == nil {
					return fmt.Errorf("the bad configuration was accepted")
				}
				return nil
			})
			a.expectAnywhere(a.after(soon), "MongoDBAtlasExporterConfigReloadFailed")
		}},
		{
			name: "named-project-gone", story: "a project that the configuration names is no longer visible", lasts: 90 * time.Minute,
			config: func(lobby, project string) string {
				return fmt.Sprintf("projects: [{id: %s}, {id: %s}]\n", lobby, project)
			},
			act: func(a *actor) {
				shop(a)
				a.in(soon, func(time.Time) {
					a.project.Hide(atlassim.Refusal{Status: http.StatusNotFound, Code: "GROUP_NOT_FOUND"})
				})
				for _, c := range []string{
					"projects", "clusters", "flex_clusters", "pipelines", "export_buckets", "backup_schedule", "backup_exports", "backup_restores",
					"backup_snapshots", "collection_restores", "pipeline_runs",
				} {
					a.expect(a.after(soon), "MongoDBAtlasTargetUnreadable", "collector", c, "reason", "not_found")
				}
			},
		},
		{
			name: "list-endless", story: "reading one list takes hours", lasts: 2 * time.Hour, timeout: 10 * time.Minute,
			act: func(a *actor) {
				shop(a)
				a.fault(soon, 0, atlassim.Fault{Match: a.below("/" + dailyCluster + "/backup/exports"), Delay: 5 * time.Minute})
				a.expect(a.after(soon+30*time.Minute), "MongoDBAtlasDataStale", "collector", "backup_exports", "cl_name", dailyCluster)
			},
		},
	}
}

// lonelyDays are benign days that concern everything that an exporter reads, or the exporter. In some a page stands, which
// must neither end nor come again.
func lonelyDays() []scenario {
	all := []scenario{
		{name: "maintenance", slower: 30, story: "the whole API answers 503 for 10 minutes", act: func(a *actor) {
			failingShop(a)
			a.fault(soon, soon+10*time.Minute, atlassim.Fault{Status: http.StatusServiceUnavailable})
		}},
		{name: "api-slower", story: "every answer takes 15 s", act: func(a *actor) {
			shop(a)
			a.fault(soon, 0, atlassim.Fault{Delay: a.scaled(15 * time.Second)})
		}},
		{name: "rate-limit-burst", story: "5 minutes of 429", act: func(a *actor) {
			failingShop(a)
			a.fault(soon, soon+5*time.Minute, anything(atlassim.Fault{Status: http.StatusTooManyRequests, Code: "RATE_LIMITED"}))
		}},
		{name: "tokens-revoked", story: "every access token loses its worth before its time", act: func(a *actor) {
			failingShop(a)
			a.in(soon, func(time.Time) { a.server.ForgetTokens() })
		}},
		{name: "secret-rotated", story: "the secret is replaced, and the exporter told 3 minutes later", act: func(a *actor) {
			failingShop(a)
			successor := atlassim.NewServiceAccount()
			successor.ClientID = a.account.ClientID
			a.in(soon, func(time.Time) {
				a.server.Deny(a.account.ClientID)
				a.server.AllowServiceAccount(successor)
			})
			a.do(soon+3*time.Minute, func(s *stack) error {
				s.writeFile("secret", successor.ClientSecret)
				return s.reload()
			})
		}},
		{name: "scrapes-missed", story: "a scrape is lost now and then", act: func(a *actor) {
			failingShop(a)
			for at := soon; at < 80*time.Minute; at += 11 * time.Minute {
				a.do(at, func(s *stack) error { s.gates[0].shut.Store(true); return nil })
				a.do(at+time.Minute, func(s *stack) error { s.gates[0].shut.Store(false); return nil })
			}
		}},
		{name: "exporter-restarted", slower: 60, story: "the exporter is restarted while a page stands", act: func(a *actor) {
			failingShop(a)
			a.do(soon, func(s *stack) error { return s.restart(0, 0) })
		}},
		{name: "exporter-upgraded", slower: 60, story: "the exporter is away for 4 minutes while a page stands", act: func(a *actor) {
			failingShop(a)
			a.do(soon, func(s *stack) error { return s.restart(0, 4*time.Minute) })
		}},
		{name: "two-exporters", story: "two exporters read the same projects: one page, not two", exporters: 2, act: failingShop},
		{name: "one-of-two-restarted", slower: 60, story: "of two exporters one is restarted while a page stands", exporters: 2, act: func(a *actor) {
			failingShop(a)
			a.do(soon, func(s *stack) error { return s.restart(1, 0) })
		}},
		{name: "reloaded", story: "a good configuration is reloaded", act: func(a *actor) {
			failingShop(a)
			a.do(soon, func(s *stack) error { return s.reload() })
		}},
		{name: "pipelines-removed", story: "Atlas ends Data Lake pipelines, one of which had failed long ago", act: func(a *actor) {
			shop(a)
			pl := a.project.AddPipeline("refunds", atlassim.PipelineOptions{})
			pl.AddRun(atlassim.Run{CreatedDate: a.ago(4 * time.Hour), State: atlassim.RunInProgress, Phase: atlassim.PhaseExport})
			a.in(soon, func(time.Time) { a.org.PipelinesGone = http.StatusGone })
		}},
	}
	all = append(all, policyDays()...)
	for i := range all {
		all[i].benign = true
		all[i].lasts = max(all[i].lasts, 90*time.Minute)
	}
	return all
}

// end ends the process behind a gate.
func (s *stack) end(n int, sig os.Signal) error {
	old := s.gates[n].running.Swap(nil)
	if err := old.Signal(sig); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	defer cancel()
	if err := old.Wait(ctx); ctx.Err() != nil {
		return err
	}
	return nil // a process that was killed ends with an error
}

// restart ends the process behind a gate and starts another, which is away for so long at least.
func (s *stack) restart(n int, away time.Duration) error {
	back := time.Now().Add(s.scaled(away))
	if err := s.end(n, syscall.SIGTERM); err != nil {
		return err
	}
	s.sleep(back)
	s.startExporter(n)
	return nil
}
