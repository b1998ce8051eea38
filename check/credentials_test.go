package check_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/check"
)

// TestCredentials checks that no other request follows if Atlas refuses the credentials, in every way that it does.
func TestCredentials(t *testing.T) {
	t.Parallel()
	blocked := atlassim.Fault{
		Authenticated: true, Status: http.StatusForbidden,
		Body: `{"detail":"IP address 203.0.113.7 is not allowed to access this resource.","error":403,"errorCode":"IP_ADDRESS_NOT_ON_ACCESS_LIST"}`,
	}
	for _, test := range []struct {
		name    string
		digest  bool
		wrong   string
		fault   atlassim.Fault
		status  check.CredentialStatus
		reason  string
		address string
		toDo    string
	}{
		{name: "good", status: check.Accepted},
		{name: "good key", digest: true, status: check.Accepted},
		{name: "bad secret", wrong: "x", status: check.Rejected, reason: "unauthorized", toDo: "Atlas rejects the credentials"},
		{name: "bad key", digest: true, wrong: "x", status: check.Rejected, reason: "unauthorized", toDo: "Atlas rejects the credentials"},
		{name: "address", fault: blocked, status: check.IPNotAllowed, reason: "ip_not_allowed", address: "203.0.113.7", toDo: "add the address 203.0.113.7, which Atlas saw, to the IP access list of the service account"},
		{name: "address of a key", digest: true, fault: blocked, status: check.IPNotAllowed, reason: "ip_not_allowed", address: "203.0.113.7", toDo: "of the API key"},
		{name: "no address told", fault: atlassim.Fault{Status: 403, Code: "ORG_REQUIRES_ACCESS_LIST", Authenticated: true}, status: check.IPNotAllowed, reason: "ip_not_allowed", toDo: "add this machine's address"},
		{name: "no token", fault: atlassim.Fault{Operation: atlassim.OpToken, Status: 403, Body: `{"error":"access_denied"}`}, status: check.NotKnown, reason: "forbidden", toDo: "why Atlas grants no token"},
		{name: "no token endpoint", fault: atlassim.Fault{Operation: atlassim.OpToken, Status: 404}, status: check.NotKnown, reason: "not_found", toDo: "check atlas.base_url: this server has no token endpoint"},
		{
			name: "not Atlas", digest: true, fault: atlassim.Fault{Status: 404, Body: "<html>", Header: http.Header{"Content-Type": {"text/html"}}},
			status: check.NotKnown, reason: "not_found", toDo: "check atlas.base_url: this server does not have Atlas's API",
		},
		{name: "Atlas fails", fault: atlassim.Fault{Status: 500}, status: check.NotKnown, reason: "server_error", toDo: "Atlas reports an internal error"},
		{name: "a proxy answers", fault: atlassim.Fault{Status: 200, Body: "<html>", Header: http.Header{"Content-Type": {"text/html"}}}, status: check.NotKnown, reason: "bad_response", toDo: "a proxy may have answered"},
	} {
		for _, named := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, named: %t", test.name, named), func(t *testing.T) {
				w := newWorld(t, atlassim.Options{})
				w.digest, w.wrong = test.digest, test.wrong
				project := w.org.AddProject("payments")
				if named {
					w.more = "projects: [{id: " + project.ID + "}, {id: " + nowhere + "}]\n"
				}
				if test.fault.Status != 0 {
					w.server.Inject(test.fault)
				}
				r := w.report()
				if c := r.Credentials; c.Status != test.status || c.Reason != test.reason || c.SeenAddress != test.address || c.ID == "" || c.Source != "the configuration file" {
					t.Errorf("%+v", c)
				}
				if test.toDo != "" && (r.OK || len(r.ToDo) != 1 || !strings.Contains(r.ToDo[0], test.toDo)) {
					t.Errorf("%t, to do %q", r.OK, r.ToDo)
				}
				if test.status == check.Rejected || test.status == check.IPNotAllowed {
					if got := w.server.Count(atlassim.OpListProjects) + w.server.Count(atlassim.OpGetProject); got > 2 {
						t.Errorf("%d requests", got)
					}
					if named && r.Rows[1].Status != check.NotChecked {
						t.Errorf("%+v", r.Rows[1])
					}
				}
				if test.fault.Operation == atlassim.OpToken && (r.Rows[0].Status != check.Unreadable || r.Rows[0].MissingRole != "") {
					t.Errorf("%+v", r.Rows[0])
				}
				if table := w.table(); test.reason != "" && !strings.Contains(table, test.reason+": ") {
					t.Errorf("the table does not say so:\n%s", table)
				}
			})
		}
	}
}

// TestAtlasIsDown checks what is reported when nothing listens.
func TestAtlasIsDown(t *testing.T) {
	t.Parallel()
	w := newWorld(t, atlassim.Options{})
	o := w.options()
	_ = w.server.Close()
	r := w.report(func(changed *check.Options) { changed.Load = o.Load })
	if r.OK || r.Credentials.Status != check.NotKnown || r.Credentials.Reason != "network" || r.Rows[0].Status != check.Unreadable {
		t.Errorf("%+v", r)
	}
}
