package web

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
)

// targetGroup is a target group of Prometheus's HTTP service discovery.
type targetGroup struct {
	Targets []string          `json:"targets"`
	Labels  map[string]string `json:"labels"`
}

// serviceDiscovery returns a target for each project, which Prometheus scrapes at /probe without any relabelling. The
// targets have the address of the external URL, or else of the request. Headers of proxies are ignored, because any
// client can send them.
func (s *server) serviceDiscovery(w http.ResponseWriter, r *http.Request) {
	exporter := s.daemon.Exporter()
	if err := exporter.Ready(); err != nil {
		exporter.Discover()
		answer(w, http.StatusServiceUnavailable, err.Error())
		return
	}
	scheme, host := "http", r.Host
	switch {
	case s.ExternalURL != nil:
		scheme, host = s.ExternalURL.Scheme, s.ExternalURL.Host
	case !isAddress(host):
		answer(w, http.StatusBadRequest, "Host: the address under which Prometheus reaches the exporter is expected: the targets get the same")
		return
	case r.TLS != nil:
		scheme = "https"
	}
	groups := []targetGroup{}
	for _, id := range exporter.Projects() {
		groups = append(groups, targetGroup{
			Targets: []string{host},
			Labels: map[string]string{
				"__metrics_path__": pathPrefix(s.ExternalURL) + "/probe",
				"__param_target":   id,
				"__scheme__":       scheme,
				"instance":         host + "/" + id,
			},
		})
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(groups)
}

// isAddress reports whether a Host header is a valid address of a target: a name or an IP address, with or without a
// port.
func isAddress(host string) bool {
	const longest = 253 + len(":65535") // the longest DNS name; the answer repeats the host twice for each project
	u, err := url.Parse("//" + host)
	return err == nil && u.Host == host && u.Hostname() != "" && len(host) <= longest &&
		(host[0] == '[' || !strings.Contains(u.Hostname(), ":"))
}
