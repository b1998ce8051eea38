package web_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/web"
)

// parse reads an external URL.
func parse(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := web.ParseExternalURL(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestParseExternalURL(t *testing.T) {
	for text, good := range map[string]bool{
		"": true, "http://exporter": true, "https://exporter.example:8443/atlas/": true, "http://[::1]:9972/a/b": true,
		"exporter": false, "/atlas": false, "//exporter": false, "ftp://exporter": false, "https://": false, "https://a:b": false, "https://:9972": false,
		"https://user:password@exporter": false, "https://exporter/?x=y": false, "https://exporter/?": false, "https://exporter/#x": false, "https://exporter/%zz": false,
	} {
		t.Run(cmp.Or(text, "none"), func(t *testing.T) {
			u, err := web.ParseExternalURL(text)
			if (err == nil) != good || (u != nil) != (good && text != "") {
				t.Errorf("got %v, %v", u, err)
			}
			if err != nil && strings.Contains(err.Error(), "password@") {
				t.Errorf("the error shows a password: %v", err)
			}
		})
	}
}

// TestServiceDiscoveryFollowsExternalURL checks that the targets have the address of the flag, and that a header that any
// client can send changes nothing.
func TestServiceDiscoveryFollowsExternalURL(t *testing.T) {
	for _, test := range []struct{ external, scheme, host, path string }{
		{"", "http", "", "/probe"},
		{"https://prometheus.example/atlas/", "https", "prometheus.example", "/atlas/probe"},
		{"http://prometheus.example:8080", "http", "prometheus.example:8080", "/probe"},
		{"https://prometheus.example/a%20b/c", "https", "prometheus.example", "/a b/c/probe"},
	} {
		t.Run(cmp.Or(test.external, "none"), func(t *testing.T) {
			org, first, second := small()
			e := startWith(t, org, nil, nil, web.Options{ExternalURL: parse(t, test.external)})
			e.ready(t)
			host := test.host
			if host == "" {
				host = strings.TrimPrefix(e.url, "http://")
			}
			got := e.get(t, "/sd", "X-Forwarded-Proto", "https", "X-Forwarded-Host", "evil.example", "X-Forwarded-Prefix", "/evil", "Forwarded", "host=evil.example;proto=https")
			var groups []struct {
				Targets []string
				Labels  map[string]string
			}
			if err := json.Unmarshal([]byte(got.body), &groups); err != nil || len(groups) != 2 {
				t.Fatalf("got %s, %v", got.body, err)
			}
			ids := []string{first.ID, second.ID}
			slices.Sort(ids)
			for i, group := range groups {
				want := map[string]string{"__metrics_path__": test.path, "__param_target": ids[i], "__scheme__": test.scheme, "instance": host + "/" + ids[i]}
				if !slices.Equal(group.Targets, []string{host}) || fmt.Sprint(group.Labels) != fmt.Sprint(want) {
					t.Errorf("got %v %v, want %s %v", group.Targets, group.Labels, host, want)
				}
			}
		})
	}
}

// TestPageBehindPrefix serves the exporter behind proxies below a path, and follows every link of the page.
func TestPageBehindPrefix(t *testing.T) {
	for _, test := range []struct {
		name, external, telemetryPath string
		strips                        bool
	}{
		{"a proxy that strips the prefix", "", "/metrics", true},
		{"a path that looks like a scheme", "", "/a:b/metrics", true},
		{"a proxy that strips the prefix, and an external URL", "https://prometheus.example/atlas/", "/metrics", true},
		{"a proxy that keeps the prefix", "https://prometheus.example/atlas", "/metrics", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			org, _, _ := small()
			e := startWith(t, org, nil, nil, web.Options{TelemetryPath: test.telemetryPath, ExternalURL: parse(t, test.external)})
			e.ready(t)
			e.shown(t, "cluster")
			to, err := url.Parse(e.url)
			if err != nil {
				t.Fatal(err)
			}
			var handler http.Handler = &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }}
			if test.strips {
				handler = http.StripPrefix("/atlas", handler)
			}
			mux := http.NewServeMux()
			mux.Handle("/atlas/", handler)
			if !test.strips {
				mux.Handle("/atlas", handler)
			}
			proxy := httptest.NewServer(mux)
			defer proxy.Close()
			behind := &exporter{url: proxy.URL, client: proxy.Client()}
			page := behind.get(t, "/atlas") // which leads to /atlas/
			links := regexp.MustCompile(`<a (?:class="\w+" )?href="([^"#]+)"`).FindAllStringSubmatch(page.body, -1)
			links = slices.DeleteFunc(links, func(link []string) bool { return strings.HasPrefix(link[1], "https://") })
			if len(links) != 5 { // three for everything, and the probes of two projects
				t.Errorf("the page has %d links: %v", len(links), links)
			}
			base, err := url.Parse("/atlas/")
			if err != nil {
				t.Fatal(err)
			}
			for _, link := range links {
				to, err := base.Parse(strings.ReplaceAll(link[1], "&amp;", "&"))
				if err != nil {
					t.Fatal(err)
				}
				if got := behind.get(t, to.String()); got.status != http.StatusOK {
					t.Errorf("the link %s leads to %s, which answers %d", link[1], to, got.status)
				}
			}
		})
	}
}
