package atlassim_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
)

func TestTokenExpires(t *testing.T) {
	clock, org, _, _ := small()
	c := serve(t, org, atlassim.Options{TokenLifetime: 10 * time.Minute})
	clock.Advance(10*time.Minute - time.Second)
	c.page("/groups")
	clock.Advance(time.Second)
	if response, _ := c.get("/groups"); response.StatusCode != http.StatusUnauthorized {
		t.Errorf("an expired token answers %d", response.StatusCode)
	}
	c.signIn()
	c.page("/groups")
	if c.server.Mints() != 2 {
		t.Errorf("%d tokens minted, want 2", c.server.Mints())
	}
	c.server.ForgetTokens()
	if response, _ := c.get("/groups"); response.StatusCode != http.StatusUnauthorized {
		t.Errorf("a forgotten token answers %d", response.StatusCode)
	}
}

func TestTokenErrors(t *testing.T) {
	_, org, _, _ := small()
	c := serve(t, org, atlassim.Options{TokenLimit: 2})
	for _, test := range []struct {
		name   string
		who    atlassim.ServiceAccount
		form   url.Values
		status int
		code   string
	}{
		{"wrong secret", atlassim.ServiceAccount{ClientID: "mdb_sa_id_test", ClientSecret: "x"}, grant(), 401, "invalid_client"},
		{"unknown", atlassim.ServiceAccount{ClientID: "other", ClientSecret: "x"}, grant(), 401, "invalid_client"},
		{"no grant type", account(), url.Values{}, 400, "invalid_request"},
		{"other grant type", account(), url.Values{"grant_type": {"password"}}, 400, "unsupported_grant_type"},
		{"second token", account(), grant(), 200, ""},
		{"third token", account(), grant(), 403, "access_denied"},
	} {
		t.Run(test.name, func(t *testing.T) {
			status, body := c.mint(test.who, test.form)
			var answer struct{ Error string }
			decode(t, body, &answer)
			if status != test.status || answer.Error != test.code {
				t.Errorf("%s: %d %s, want %d %s", test.name, status, body, test.status, test.code)
			}
		})
	}
	if c.server.Count(atlassim.OpToken) != 7 || c.server.Mints() != 2 {
		t.Errorf("%d requests and %d tokens", c.server.Count(atlassim.OpToken), c.server.Mints())
	}
}

func TestRevokeToken(t *testing.T) {
	_, org, _, _ := small()
	c := serve(t, org, atlassim.Options{})
	form := url.Values{"token": {c.token}, "token_type_hint": {"access_token"}}
	if response, body := c.send(c.oauth("revoke", account(), form)); response.StatusCode != http.StatusOK {
		t.Fatalf("revoke answers %d %s", response.StatusCode, body)
	}
	if response, _ := c.get("/groups"); response.StatusCode != http.StatusUnauthorized {
		t.Errorf("a revoked token answers %d", response.StatusCode)
	}
}

func TestRoles(t *testing.T) {
	_, org, p, cluster := small()
	pl := p.AddPipeline("orders", atlassim.PipelineOptions{})
	who := account()
	who.Role = atlassim.ProjectReadOnly
	c := serve(t, org, atlassim.Options{ServiceAccounts: []atlassim.ServiceAccount{who}})
	for _, path := range []string{"/groups", "/groups/" + p.ID, "/groups/" + p.ID + "/clusters", schedule(cluster), runs(pl)} {
		if response, body := c.get(path); response.StatusCode != http.StatusOK {
			t.Errorf("read only cannot read %s: %s", path, body)
		}
	}
	for _, path := range []string{exports(cluster), restores(cluster)} {
		c.fails(path, http.StatusUnauthorized, "USER_UNAUTHORIZED")
	}
	who.Role = atlassim.ProjectBackupManager
	c.server.AllowServiceAccount(who)
	c.page(exports(cluster))
	if status, _ := c.trigger(pl, `{"snapshotId":"0123456789abcdef01234567"}`); status != http.StatusUnauthorized {
		t.Errorf("a backup manager triggers a pipeline: %d", status)
	}
}
