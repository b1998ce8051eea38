package web

import (
	"encoding/json"
	"net/http"
)

// targetGroup is an entry of Prometheus's HTTP service discovery.
type targetGroup struct {
	Targets []string          `json:"targets"`
	Labels  map[string]string `json:"labels"`
}

// serviceDiscovery lists one target for each project, to be scraped at /probe without any relabelling.
func (s *server) serviceDiscovery(w http.ResponseWriter, r *http.Request) {
	exporter := s.daemon.Exporter()
	if err := exporter.Ready(); err != nil {
		exporter.Discover()
		answer(w, http.StatusServiceUnavailable, err.Error())
		return
	}
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	groups := []targetGroup{}
	for _, id := range exporter.Projects() {
		groups = append(groups, targetGroup{
			Targets: []string{r.Host},
			Labels: map[string]string{
				"__metrics_path__": "/probe",
				"__param_target":   id,
				"__scheme__":       scheme,
				"instance":         r.Host + "/" + id,
			},
		})
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(groups)
}
