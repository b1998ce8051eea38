package atlassim_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// noon is the time at which the tests look at their organizations.
func noon() time.Time { return time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC) }

const (
	newest = "application/vnd.atlas.2025-03-12+json"
	day    = 24 * time.Hour
)

func account() atlassim.ServiceAccount {
	return atlassim.ServiceAccount{ClientID: "mdb_sa_id_test", ClientSecret: "mdb_sa_sk_test"}
}

// client is a plain HTTP client of a simulated Atlas, signed in with an access token.
type client struct {
	t      *testing.T
	server *atlassim.Server
	token  string
}

// serve starts a server with a service account.
func serve(t *testing.T, org *atlassim.Organization, options atlassim.Options) *client {
	t.Helper()
	if options.ServiceAccounts == nil {
		options.ServiceAccounts = []atlassim.ServiceAccount{account()}
	}
	c := &client{t: t, server: harness.StartAtlas(t, org, options)}
	c.signIn()
	return c
}

// in returns the client for a subtest.
func (c *client) in(t *testing.T) *client {
	t.Helper()
	return &client{t, c.server, c.token}
}

func (c *client) signIn() {
	c.t.Helper()
	c.token = c.tokenOf(account())
}

func (c *client) tokenOf(who atlassim.ServiceAccount) string {
	c.t.Helper()
	status, body := c.mint(who, grant())
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	decode(c.t, body, &answer)
	if status != http.StatusOK || answer.AccessToken == "" {
		c.t.Fatalf("no token: %d %s", status, body)
	}
	return answer.AccessToken
}

// oauth is a request of an OAuth endpoint, "token" or "revoke".
func (c *client) oauth(endpoint string, who atlassim.ServiceAccount, form url.Values) *http.Request {
	c.t.Helper()
	request := c.request(http.MethodPost, "/api/oauth/"+endpoint, strings.NewReader(form.Encode()))
	request.SetBasicAuth(who.ClientID, who.ClientSecret)
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return request
}

func grant() url.Values { return url.Values{"grant_type": {"client_credentials"}} }

func (c *client) mint(who atlassim.ServiceAccount, form url.Values) (int, []byte) {
	c.t.Helper()
	response, body := c.send(c.oauth("token", who, form))
	return response.StatusCode, body
}

func (c *client) request(method, path string, body io.Reader) *http.Request {
	c.t.Helper()
	request, err := http.NewRequestWithContext(c.t.Context(), method, c.server.URL()+path, body)
	if err != nil {
		c.t.Fatal(err)
	}
	request.Header.Set("Accept", newest)
	return request
}

// answered is a response after its body was read.
type answered struct {
	StatusCode int
	Header     http.Header
}

func (c *client) send(request *http.Request) (answered, []byte) {
	c.t.Helper()
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return answered{response.StatusCode, response.Header}, body
}

// signed is a request for a path below /api/atlas/v2, with the client's token.
func (c *client) signed(method, path string, body io.Reader) *http.Request {
	c.t.Helper()
	request := c.request(method, "/api/atlas/v2"+path, body)
	request.Header.Set("Authorization", "Bearer "+c.token)
	return request
}

// get reads a path below /api/atlas/v2.
func (c *client) get(path string) (answered, []byte) {
	c.t.Helper()
	return c.send(c.signed(http.MethodGet, path, nil))
}

// good reads a path that must be answered, into a value.
func (c *client) good(path string, into any) {
	c.t.Helper()
	response, body := c.get(path)
	if response.StatusCode != http.StatusOK {
		c.t.Fatalf("GET %s answers %d %s", path, response.StatusCode, body)
	}
	decode(c.t, body, into)
}

// fails reads a path that must be answered with an error.
func (c *client) fails(path string, status int, code string) {
	c.t.Helper()
	response, body := c.get(path)
	var answer struct {
		Error     int    `json:"error"`
		ErrorCode string `json:"errorCode"`
		Reason    string `json:"reason"`
	}
	decode(c.t, body, &answer)
	if response.StatusCode != status || answer.Error != status || answer.Reason != http.StatusText(status) {
		c.t.Fatalf("GET %s answers %d %s, want %d", path, response.StatusCode, body, status)
	}
	if header := response.Header.Get("X-Error-Code"); header != answer.ErrorCode || header != code {
		c.t.Errorf("GET %s answers the code %q, and the header %q, want %q", path, answer.ErrorCode, header, code)
	}
}

// rejects reads a list with queries that are not valid, each in a subtest.
func (c *client) rejects(t *testing.T, path string, queries ...string) {
	t.Helper()
	for _, query := range queries {
		t.Run(query, func(t *testing.T) { c.in(t).fails(path+query, http.StatusBadRequest, "INVALID_QUERY_PARAMETER") })
	}
}

// refusal is a path that is answered with an error.
type refusal struct {
	path   string
	status int
	code   string
}

// refuses reads each path in a subtest.
func (c *client) refuses(t *testing.T, refusals ...refusal) {
	t.Helper()
	for _, r := range refusals {
		t.Run(r.path, func(t *testing.T) { c.in(t).fails(r.path, r.status, r.code) })
	}
}

// object reads a path that answers with a single object.
func (c *client) object(path string) map[string]any {
	c.t.Helper()
	var answer map[string]any
	c.good(path, &answer)
	return answer
}

// The members of a decoded object, the zero value where they are missing or of another kind.

func text(item map[string]any, name string) string {
	value, _ := item[name].(string)
	return value
}

func flag(item map[string]any, name string) bool {
	value, _ := item[name].(bool)
	return value
}

func number(item map[string]any, name string) float64 {
	value, _ := item[name].(float64)
	return value
}

func child(item map[string]any, name string) map[string]any {
	value, _ := item[name].(map[string]any)
	return value
}

func children(item map[string]any, name string) []map[string]any {
	var objects []map[string]any
	for _, value := range elements(item, name) {
		object, _ := value.(map[string]any)
		objects = append(objects, object)
	}
	return objects
}

func elements(item map[string]any, name string) []any {
	value, _ := item[name].([]any)
	return value
}

// page is a page of any list.
type page struct {
	Links []struct {
		Href, Rel string
	}
	Results    []map[string]any
	TotalCount *int
}

func (p page) link(rel string) string {
	for _, link := range p.Links {
		if link.Rel == rel {
			return link.Href
		}
	}
	return ""
}

// ids returns the results' ids, which have another name in runs.
func (p page) ids() []string {
	var ids []string
	for _, item := range p.Results {
		id := text(item, "id")
		if id == "" {
			id = text(item, "_id")
		}
		ids = append(ids, id)
	}
	return ids
}

func (c *client) page(path string) page {
	c.t.Helper()
	var answer page
	c.good(path, &answer)
	return answer
}

// all reads a list to its end, following the links' page but not their host.
func (c *client) all(path string) []map[string]any {
	c.t.Helper()
	var items []map[string]any
	query := "?itemsPerPage=500"
	for range 100 {
		p := c.page(path + query)
		items = append(items, p.Results...)
		next := p.link("next")
		if next == "" {
			return items
		}
		_, query, _ = strings.Cut(next, "?")
		query = "?" + query
	}
	c.t.Fatalf("%s does not end", path)
	return nil
}

// wantJSON checks that an answer has the members of a JSON text with their values. It may have others, and a member that is null
// in the text may be absent.
func wantJSON(t *testing.T, got any, want string) {
	t.Helper()
	var wanted any
	decode(t, []byte(want), &wanted)
	for _, difference := range differences("", got, wanted) {
		t.Errorf("%s in %v", difference, got)
	}
}

func differences(path string, got, want any) (all []string) {
	switch want := want.(type) {
	case map[string]any:
		object, _ := got.(map[string]any)
		for name, value := range want {
			all = append(all, differences(path+"."+name, object[name], value)...)
		}
	case []any:
		list, _ := got.([]any)
		if len(list) != len(want) {
			return []string{fmt.Sprintf("%s has %d elements, want %d", path, len(list), len(want))}
		}
		for i, value := range want {
			all = append(all, differences(fmt.Sprintf("%s[%d]", path, i), list[i], value)...)
		}
	default:
		if got != want {
			return []string{fmt.Sprintf("%s is %v, want %v", path, got, want)}
		}
	}
	return all
}

// absent checks that an item has none of the members.
func absent(t *testing.T, item map[string]any, names ...string) {
	t.Helper()
	for _, name := range names {
		if value, ok := item[name]; ok {
			t.Errorf("%s is %v, want none in %v", name, value, item)
		}
	}
}

func decode(t *testing.T, body []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(body, into); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
}

// small is an organization with one project and one cluster.
func small() (*atlassim.ManualClock, *atlassim.Organization, *atlassim.Project, *atlassim.Cluster) {
	clock := atlassim.NewManualClock(noon())
	org := atlassim.NewOrganization(clock)
	p := org.AddProject("payments")
	return clock, org, p, p.AddCluster("prod-eu", atlassim.ClusterOptions{})
}

// The paths of lists.

func group(p *atlassim.Project) string { return "/groups/" + p.ID }

func backups(c *atlassim.Cluster) string {
	return group(c.Project()) + "/clusters/" + c.Name + "/backup"
}

func exports(c *atlassim.Cluster) string { return backups(c) + "/exports" }

func restores(c *atlassim.Cluster) string { return backups(c) + "/restoreJobs" }

func schedule(c *atlassim.Cluster) string { return backups(c) + "/schedule" }

func snapshots(c *atlassim.Cluster) string { return backups(c) + "/snapshots" }

func collectionRestores(c *atlassim.Cluster) string {
	return group(c.Project()) + "/clusters/" + c.Name + "/collectionRestoreJobs"
}

func flexPath(f *atlassim.FlexCluster) string {
	return group(f.Project()) + "/flexClusters/" + f.Name + "/backup"
}

func runs(pl *atlassim.Pipeline) string {
	return group(pl.Project()) + "/pipelines/" + url.PathEscape(pl.Name) + "/runs"
}
