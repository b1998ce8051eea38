package collector_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/collector"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/config"
)

// TestOthersUseUpTheBucket checks that the exporter slows down if another client takes nearly all of a project's rate limit,
// at its published size: Atlas refuses none of its requests.
func TestOthersUseUpTheBucket(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it sends more than a thousand requests and waits for the bucket to fill; the client's tests check the same with a small one")
	}
	const clusters, left = 20, 10
	org := atlassim.Large(atlassim.WallClock{}, atlassim.LargeOptions{Projects: 1, ClustersPerProject: clusters, ExportsPerCluster: 3})
	w := newWorld(t, org)
	server, e, registry := w.server, w.exporter, w.registry
	useUp(t, server.URL(), w.account.ClientID, w.account.ClientSecret, org.Projects()[0].ID, left)

	c := config.Default(collector.All().Config())
	for _, name := range c.Collectors.Names() {
		c.Collectors.Enable(name, name == "backup_exports")
	}
	e.Configure(c, w.client)
	got := gather(t.Context(), t, e, collector.Selection{})
	if n := strings.Count(got, `mongodbatlas_target_up{cl_name="cluster-`); n != 2*clusters {
		t.Errorf("%d targets of clusters were read, want %d", n, 2*clusters)
	}
	for line := range strings.Lines(got) {
		if strings.HasPrefix(line, "mongodbatlas_target_up{") && !strings.HasSuffix(line, " 1\n") {
			t.Errorf("a target failed: %s", line)
		}
	}
	for _, r := range server.Requests() {
		if r.Status == http.StatusTooManyRequests {
			t.Errorf("Atlas refused %s", r.Path)
		}
	}
	if throttledSeconds(t, registry) == 0 {
		t.Error("no request waited, though the bucket was nearly empty")
	}
}

// useUp takes all but a few tokens of the backup bucket of a project.
func useUp(t *testing.T, base, id, secret, groupID string, left int) {
	t.Helper()
	const capacity = 1200 // as published
	token := mint(t, base, id, secret)
	var wg sync.WaitGroup
	calls := make(chan struct{})
	for range 16 {
		wg.Go(func() {
			for range calls {
				get(t, base+"/api/atlas/v2/groups/"+groupID+"/clusters/cluster-00/backup/schedule", "application/vnd.atlas.2024-08-05+json", token)
			}
		})
	}
	for range capacity - left {
		calls <- struct{}{}
	}
	close(calls)
	wg.Wait()
}

func mint(t *testing.T, base, id, secret string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/api/oauth/token", strings.NewReader("grant_type=client_credentials"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(id+":"+secret)))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var token struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&token); err != nil {
		t.Fatal(err)
	}
	return token.AccessToken
}

func get(t *testing.T, url, accept, token string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Error(err)
		return
	}
	req.Header.Set("Accept", accept)
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Error(err)
		return
	}
	_ = resp.Body.Close()
}

// throttledSeconds returns how long requests waited for the rate limit.
func throttledSeconds(t *testing.T, registry *prometheus.Registry) (sum float64) {
	t.Helper()
	for _, f := range families(t, registry) {
		if f.GetName() != "mongodbatlas_api_throttled_seconds_total" {
			continue
		}
		for _, m := range f.GetMetric() {
			sum += m.GetCounter().GetValue()
		}
	}
	return sum
}
