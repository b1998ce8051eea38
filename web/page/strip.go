package page

import (
	"strconv"
	"strings"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/collector"
)

// strip shows the newest jobs as a line of signs, the oldest first.
type strip struct{ Signs, Title string }

func stripOf(jobs []collector.RecentJob) strip {
	if len(jobs) == 0 {
		return strip{}
	}
	var signs strings.Builder
	var parts []string
	for i := 0; i < len(jobs); {
		n := 1
		for i+n < len(jobs) && jobs[i+n].State == jobs[i].State && jobs[i+n].Outcome == jobs[i].Outcome {
			n++
		}
		signs.WriteString(strings.Repeat(sign(jobs[i].Outcome), n))
		part := stateWord(jobs[i].State, jobs[i].Outcome)
		if n > 1 {
			part = strconv.Itoa(n) + " " + part
		}
		parts = append(parts, part)
		i += n
	}
	return strip{signs.String(), "oldest to newest: " + strings.Join(parts, ", ")}
}

// sign returns the sign of an outcome. The signs differ without color, too.
func sign(o collector.Outcome) string {
	switch o {
	case collector.OutcomeSucceeded:
		return "✓"
	case collector.OutcomeFailed:
		return "✘"
	case collector.OutcomeUnfinished:
		return "…"
	case collector.OutcomeNeither:
		return "–"
	case collector.OutcomeUnknown:
	}
	return "?"
}
