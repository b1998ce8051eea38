package collector

import (
	"github.com/go-kit/log/level"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
)

// logChange says once when the condition of a target, or its reason, changes: not at each scrape.
func (e *Exporter) logChange(t *target, before, after *status) {
	was, is := before.condition(), after.condition()
	if was == is && describe(before) == describe(after) {
		return
	}
	keys := []any{"collector", t.collector}
	for _, label := range [][2]string{{"group_id", t.groupID}, {"cluster", t.cluster}, {"pipeline", t.pipeline}} {
		if label[1] != "" {
			keys = append(keys, label[0], label[1])
		}
	}
	switch is {
	case up:
		l := level.Info(e.logger)
		if was == pending {
			l = level.Debug(e.logger)
		}
		_ = l.Log(append([]any{"msg", "target is readable"}, keys...)...)
	case down:
		keys = append(keys, "reason", after.reason(), "err", after.failure, "remedy", Remedy(after.reason(), t.collector))
		_ = level.Warn(e.logger).Log(append([]any{"msg", "target is not readable, its last values stay"}, keys...)...)
	case unsupported:
		keys = append(keys, "reason", after.unsupportedReason())
		_ = level.Info(e.logger).Log(append([]any{"msg", "target is not served by the API"}, keys...)...)
	case pending:
	}
}

// describe says why a target is not up, in the words of the metrics.
func describe(s *status) string {
	switch s.condition() {
	case down:
		if code := errorCode(s.failure); code != "" {
			return s.reason() + " (" + code + ")"
		}
		return s.reason()
	case unsupported:
		return s.unsupportedReason()
	case pending, up:
	}
	return ""
}

// Remedy says what a person can do about a reason.
func Remedy(reason, collector string) string {
	switch reason {
	case atlasapi.KindUnauthorized.String():
		return "Atlas rejects the credentials: check that they are complete, not expired and not deleted"
	case atlasapi.KindIPNotAllowed.String():
		return "add this machine's address to the IP access list of the service account or the API key"
	case atlasapi.KindForbidden.String():
		return "give the credentials the role " + RequiredRole(collector) + " in the project"
	case atlasapi.KindNotFound.String():
		return "check that it still exists in Atlas, and that the configured id is right"
	case atlasapi.KindRateLimited.String():
		return "others use the project's rate limit too: raise refresh.min_interval, or lower atlas.max_concurrent_requests"
	case atlasapi.KindTimeout.String(), atlasapi.KindNetwork.String():
		return "check the way to atlas.base_url: DNS, proxy, firewall, certificates"
	case atlasapi.KindServerError.String():
		return "Atlas has a fault: nothing to do but to wait and to watch status.mongodb.com"
	}
	return "something between may have answered for Atlas, or its API changed: see the error"
}

// RequiredRole returns the least role in a project that a collector needs.
func RequiredRole(collector string) string {
	switch collector {
	case "backup_exports", "backup_restores":
		return "Project Backup Manager"
	}
	return "Project Read Only"
}
