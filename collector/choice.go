package collector

import (
	"errors"
	"net/http"
	"slices"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/config"
)

// ChooseClusters returns those of the clusters of a project that are read: which the filters choose, one of each name.
// Named is the project's entry in the configuration, nil where it was only discovered.
func ChooseClusters(c *config.Config, named *config.Project, found []atlasapi.Cluster) []atlasapi.Cluster {
	chosen := make([]atlasapi.Cluster, 0, len(found))
	place := make(map[string]int, len(found))
	for _, cluster := range found {
		if !c.Discovery.Clusters.Match(cluster.Name) || named != nil && !named.Clusters.Match(cluster.Name) {
			continue
		}
		other, twice := place[cluster.Name]
		switch {
		case !twice:
			place[cluster.Name] = len(chosen)
			chosen = append(chosen, cluster)
		case cluster.StateName != "DELETING": // else its successor has the name
			chosen[other] = cluster
		}
	}
	return chosen
}

// ChoosePipelines is ChooseClusters for pipelines.
func ChoosePipelines(c *config.Config, named *config.Project, found []atlasapi.Pipeline) []atlasapi.Pipeline {
	return slices.DeleteFunc(slices.Clone(found), func(p atlasapi.Pipeline) bool {
		return !c.Discovery.Pipelines.Match(p.Name) || named != nil && !named.Pipelines.Match(p.Name)
	})
}

// NotServed returns why the backup endpoints do not serve a cluster, or "".
func NotServed(c *atlasapi.Cluster) string {
	switch {
	case slices.Contains(c.Providers, "TENANT"):
		return reasonFreeTier
	case slices.Contains(c.Providers, "FLEX"):
		return reasonFlex
	case c.BackupEnabled.Set && !c.BackupEnabled.Value:
		return reasonBackupDisabled
	}
	return ""
}

// Unsupported returns why the API does not serve a target of a collector, where a failed reading says so, or "".
func Unsupported(collector string, err error) string {
	if atlasapi.IsOfToken(err) {
		return ""
	}
	switch collector {
	case CollectorProjects, CollectorClusters:
		return "" // whole lists, of which no such answer makes sense
	case CollectorPipelines:
		if isGone(err) {
			return reasonFeatureGone
		}
		return ""
	}
	switch kind, _ := atlasapi.KindOf(err); kind {
	case atlasapi.KindFlex:
		return reasonFlex
	case atlasapi.KindBackupDisabled:
		return reasonBackupDisabled
	default:
		return ""
	}
}

// unserved tells an answer by which Atlas says that it does not serve a target from a failure.
func unserved(collector string, err error) error {
	if reason := Unsupported(collector, err); reason != "" {
		return &unsupportedError{reason, err}
	}
	return err
}

// isGone tells whether Atlas has ended the feature. MongoDB ended Data Lake pipelines in September 2025, and nobody
// has recorded what the API answers since; 404 of the project itself is another matter.
func isGone(err error) bool {
	answered, ok := errors.AsType[*atlasapi.Error](err)
	if !ok || answered.Code == "GROUP_NOT_FOUND" {
		return false
	}
	switch answered.Status {
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusGone:
		return true
	}
	return false
}
