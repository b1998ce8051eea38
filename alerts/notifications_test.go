package alerts_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

const (
	alertmanagerPath = "../deploy/compose/alertmanager.yml"
	templatePath     = "../deploy/compose/mongodbatlas.tmpl"
	alertingDocPath  = "../docs/alerting.md"
)

// startAlertmanager runs the shipped configuration with a webhook as the address of page and ticket, and without its waits.
func startAlertmanager(t *testing.T) (*harness.AlertmanagerServer, *harness.Webhook) {
	t.Helper()
	received := harness.StartWebhook(t)
	config := harness.ReadFile(t, alertmanagerPath)
	for old, replacement := range map[string]string{
		"  - name: page\n":    "  - name: page\n    webhook_configs: [{url: " + received.URL + "}]\n",
		"  - name: ticket\n":  "  - name: ticket\n    webhook_configs: [{url: " + received.URL + "}]\n",
		"group_wait: 30s":     "group_wait: 2s",
		"group_wait: 5m":      "group_wait: 2s",
		"- mongodbatlas.tmpl": "- none.tmpl",
	} {
		if !strings.Contains(config, old) {
			t.Fatalf("%s has no %q", alertmanagerPath, old)
		}
		config = strings.ReplaceAll(config, old, replacement)
	}
	return harness.StartAlertmanager(t, config), received
}

// post sends alerts as Prometheus does.
func post(t *testing.T, server *harness.AlertmanagerServer, alerts ...map[string]string) {
	t.Helper()
	type body struct {
		Labels   map[string]string `json:"labels"`
		StartsAt time.Time         `json:"startsAt"`
	}
	var bodies []body
	for _, labels := range alerts {
		bodies = append(bodies, body{labels, time.Now()})
	}
	content, err := json.Marshal(bodies)
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL()+"/api/v2/alerts", bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		t.Fatalf("Alertmanager answers %s", response.Status)
	}
}

func alertOf(name, severity string, more ...string) map[string]string {
	labels := map[string]string{"alertname": name, "severity": severity}
	for i := 0; i < len(more); i += 2 {
		labels[more[i]] = more[i+1]
	}
	return labels
}

// await returns the notifications once they contain the expected number of alerts.
func await(t *testing.T, received *harness.Webhook, alerts int) []harness.Notification {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	for {
		var count int
		sent := received.Received()
		for _, one := range sent {
			count += len(one.Alerts)
		}
		if count >= alerts {
			return sent
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%d of %d alerts were sent: %v", count, alerts, sent)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// TestFleetMakesFewNotifications checks how many notifications 300 clusters in 40 projects cause that are overdue and have
// failed.
func TestFleetMakesFewNotifications(t *testing.T) {
	t.Parallel()
	server, received := startAlertmanager(t)
	const clusters = 300
	var alerts []map[string]string
	for i := range clusters {
		where := []string{"group_id", fmt.Sprint("p", i%40), "group_name", fmt.Sprint("project-", i%40), "cl_name", fmt.Sprint("c", i)}
		alerts = append(alerts, alertOf("MongoDBAtlasBackupExportOverdue", "critical", where...), alertOf("MongoDBAtlasBackupExportFailed", "warning", where...))
	}
	post(t, server, alerts...)
	sent := await(t, received, clusters)
	if len(sent) > 3 {
		t.Errorf("%d overdue clusters cause %d notifications", clusters, len(sent))
	}
	for _, one := range sent {
		for _, alert := range one.Alerts {
			if alert.Labels["alertname"] != "MongoDBAtlasBackupExportOverdue" {
				t.Fatalf("Overdue does not inhibit %s of its cluster", alert.Labels["alertname"])
			}
		}
	}
}

// TestCausesInhibit checks, for each cause, which alerts it inhibits and which it does not.
func TestCausesInhibit(t *testing.T) {
	t.Parallel()
	here := []string{"group_id", "p1", "cl_name", "orders"}
	elsewhere := []string{"group_id", "p2", "cl_name", "orders"}
	for _, test := range []struct {
		name                  string
		cause, follows, stays []map[string]string
	}{
		{
			"nothing can be read",
			[]map[string]string{alertOf("MongoDBAtlasUnreachable", "critical")},
			[]map[string]string{alertOf("MongoDBAtlasTargetUnreadable", "warning", "group_id", "p1", "collector", "backup_exports"), alertOf("MongoDBAtlasDataStale", "warning", "group_id", "p1")},
			[]map[string]string{alertOf("MongoDBAtlasBackupExportOverdue", "critical", here...), alertOf("NodeDown", "warning")},
		},
		{
			"a spare exporter reads nothing",
			[]map[string]string{alertOf("MongoDBAtlasUnauthorized", "warning")},
			nil,
			[]map[string]string{alertOf("MongoDBAtlasBackupExportFailed", "warning", here...)},
		},
		{
			"a project is gone",
			[]map[string]string{alertOf("MongoDBAtlasProjectGone", "warning", "group_id", "p1")},
			[]map[string]string{alertOf("MongoDBAtlasBackupExportOverdue", "critical", here...)},
			[]map[string]string{alertOf("MongoDBAtlasBackupExportOverdue", "critical", elsewhere...)},
		},
		{
			"backup is off",
			[]map[string]string{alertOf("MongoDBAtlasBackupDisabled", "critical", here...)},
			[]map[string]string{alertOf("MongoDBAtlasBackupAutoExportDisabled", "warning", here...), alertOf("MongoDBAtlasBackupSnapshotOverdue", "critical", here...)},
			[]map[string]string{alertOf("MongoDBAtlasBackupRestoreFailed", "critical", here...), alertOf("MongoDBAtlasBackupAutoExportDisabled", "warning", elsewhere...)},
		},
		{
			"the bucket is gone",
			[]map[string]string{alertOf("MongoDBAtlasBackupExportBucketMissing", "critical", here...)},
			[]map[string]string{alertOf("MongoDBAtlasBackupExportOverdue", "critical", here...)},
			[]map[string]string{alertOf("MongoDBAtlasBackupSnapshotOverdue", "critical", here...)},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server, received := startAlertmanager(t)
			post(t, server, test.cause...)
			await(t, received, len(test.cause))
			post(t, server, slices.Concat(test.follows, test.stays)...)
			sent := await(t, received, len(test.cause)+len(test.stays))
			for _, one := range sent {
				for _, alert := range one.Alerts {
					for _, silent := range test.follows {
						if maps.Equal(alert.Labels, silent) {
							t.Errorf("%v was sent", silent)
						}
					}
				}
			}
		})
	}
}

// TestNotificationText renders the templates for two overdue clusters, and compares the documentation with the result.
func TestNotificationText(t *testing.T) {
	t.Parallel()
	data, err := json.Marshal(map[string]any{
		"receiver": "page", "status": "firing", "externalURL": "http://alertmanager:9093",
		"groupLabels":       map[string]string{"alertname": "MongoDBAtlasBackupExportOverdue"},
		"commonLabels":      map[string]string{"alertname": "MongoDBAtlasBackupExportOverdue", "severity": "critical"},
		"commonAnnotations": map[string]string{"summary": "A MongoDB Atlas cluster has had no successful backup export for too long.", "runbook_url": runbooksURL + "mongodbatlasbackupexportoverdue"},
		"alerts": []map[string]any{
			{"status": "firing", "labels": map[string]string{}, "annotations": map[string]string{
				"description":   "Cluster orders in project shop (32b6e34b3d91647abb20e7b8) expects an export every 1d and has had none for 2d 3h. Last success: 2026-11-25 02:10:00 UTC. Newest job: Failed (newest error code: EXPORT_BUCKET_ACCESS_DENIED). First see whether export jobs exist. If there are none, check the schedule and the snapshots; if they failed, check the bucket and its role. Then start an export by hand: https://cloud.mongodb.com/v2/32b6e34b3d91647abb20e7b8#/clusters/detail/orders",
				"dashboard_url": "http://localhost:3000/d/mongodbatlas-backup-project?var-project=32b6e34b3d91647abb20e7b8&var-cluster=orders",
			}},
			{"status": "firing", "labels": map[string]string{}, "annotations": map[string]string{
				"description": "Cluster carts in project shop (32b6e34b3d91647abb20e7b8) expects an export every 7d and has had none for 12d. Last success: never. Newest job: none (newest error code: none). First see whether export jobs exist. If there are none, check the schedule and the snapshots; if they failed, check the bucket and its role. Then start an export by hand: https://cloud.mongodb.com/v2/32b6e34b3d91647abb20e7b8#/clusters/detail/carts",
			}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "data.json")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), harness.Tool(t, "amtool"), "template", "render", "--template.glob="+templatePath,
		"--template.data="+file, `--template.text={{ template "mongodbatlas.title" . }}`+"\n\n"+`{{ template "mongodbatlas.text" . }}`).CombinedOutput()
	if err != nil {
		t.Fatalf("amtool: %v\n%s", err, out)
	}
	if !strings.Contains(harness.ReadFile(t, alertingDocPath), "```text\n"+strings.TrimSpace(string(out))+"\n```") {
		t.Errorf("%s does not show this notification:\n%s", alertingDocPath, out)
	}
}
