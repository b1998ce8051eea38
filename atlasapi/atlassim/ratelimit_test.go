package atlassim_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
)

func TestRateLimit(t *testing.T) {
	clock, org, _, cluster := small()
	elsewhere := org.AddProject("elsewhere").AddCluster("other", atlassim.ClusterOptions{})
	c := serve(t, org, atlassim.Options{RateLimits: map[atlassim.EndpointSet]atlassim.RateLimit{
		atlassim.SetCloudBackups: {Capacity: 3, Refill: 6, Period: time.Minute},
	}})
	for _, left := range []string{"2", "1", "0"} {
		response, _ := c.get(exports(cluster))
		if response.StatusCode != http.StatusOK || response.Header.Get("RateLimit-Limit") != "3" ||
			response.Header.Get("RateLimit-Remaining") != left {
			t.Errorf("answers %d %v, want %s left", response.StatusCode, response.Header, left)
		}
	}
	clock.Advance(2 * time.Second)
	response, body := c.get(schedule(cluster)) // of the same set
	var answer struct {
		ErrorCode  string
		Parameters []any
	}
	decode(t, body, &answer)
	if response.StatusCode != http.StatusTooManyRequests || response.Header.Get("Retry-After") != "8" ||
		answer.ErrorCode != "RATE_LIMITED_TOKEN_BUCKET" || len(answer.Parameters) != 5 || answer.Parameters[1] != 8.0 {
		t.Errorf("limited: %d %v %s", response.StatusCode, response.Header, body)
	}
	c.page(exports(elsewhere))                              // has a bucket of its own
	c.page("/groups/" + cluster.Project().ID + "/clusters") // of another set
	clock.Advance(8 * time.Second)
	c.page(exports(cluster))
	c.fails(exports(cluster), http.StatusTooManyRequests, "RATE_LIMITED_TOKEN_BUCKET")
	clock.Advance(10 * time.Minute)
	for range 3 {
		c.page(exports(cluster))
	}
	c.fails(exports(cluster), http.StatusTooManyRequests, "RATE_LIMITED_TOKEN_BUCKET")
}

func TestRateLimitDefaults(t *testing.T) {
	_, org, p, cluster := small()
	c := serve(t, org, atlassim.Options{})
	for path, capacity := range map[string]string{
		"/groups": "1200", "/groups/" + p.ID: "1200", "/groups/" + p.ID + "/clusters": "10000", exports(cluster): "1200",
		"/groups/" + p.ID + "/pipelines": "",
	} {
		t.Run(path, func(t *testing.T) {
			response, _ := c.get(path)
			if got := response.Header.Get("RateLimit-Limit"); got != capacity {
				t.Errorf("%s has %q tokens, want %q", path, got, capacity)
			}
		})
	}
	unlimited := serve(t, org, atlassim.Options{NoRateLimits: true})
	if response, _ := unlimited.get("/groups"); response.Header.Get("RateLimit-Limit") != "" {
		t.Error("the answer has limits although there are none")
	}
}
