package main

import (
	"fmt"
	"strings"
	"text/template"
)

// recent is how long the last values of an exporter count while it is down.
const recent = "25m"

// functions returns the functions of the template. Those that indent their result return several lines for the inside
// of parentheses.
func functions(values Values, by string) template.FuncMap {
	f := writer{values: values, by: by}
	return template.FuncMap{
		"flag": f.flag, "stamp": f.stamp, "failure": f.failure, "open": f.open, "evidence": f.evidence,
		"overdue": f.overdue, "stuck": f.stuck, "stuckBySuccess": f.stuckBySuccess, "failed": f.failed, "failedBefore": f.failedBefore, "restoreFailed": f.restoreFailed, "switchedOff": f.switchedOff,
		"both": func() []bool { return []bool{false, true} }, "spare": f.spare,
		"off": f.off, "seenOn": f.seenOn, "due": f.due, "late": f.late, "shortened": f.shortened,
		"age": age, "at": at, "lastSuccess": lastSuccess, "newest": newest, "code": code, "seconds": seconds, "interval": expected,
		"failedTypes": failedTypes, "cluster": f.cluster, "project": f.project, "links": f.links,
	}
}

type writer struct {
	values Values
	by     string
}

// parent is the collector that lists the clusters of a collector's targets.
func parent(collector string) string {
	if strings.HasPrefix(collector, "flex_") {
		return "flex_clusters"
	}
	return "clusters"
}

// lines joins the lines of an expression for the inside of parentheses: indented, between two line ends.
func lines(indent int, lines ...string) string {
	margin := "\n" + strings.Repeat(" ", indent)
	return margin + strings.Join(lines, margin) + "\n" + strings.Repeat(" ", indent-2)
}

// current removes outdated readings, whether the list of clusters or the target itself is outdated.
func current(collector string) []string {
	var drops []string
	if collector != parent(collector) {
		drops = append(drops, fmt.Sprintf(`unless on (job, instance, group_id, cl_name) mongodbatlas:target_outdated{collector=%q}`, collector))
	}
	return append(drops, fmt.Sprintf(`unless on (job, instance, group_id) mongodbatlas:target_outdated{collector=%q}`, parent(collector)))
}

// flag reads the last value of a gauge that may change at any time.
func (writer) flag(metric, collector string, indent int) string {
	return lines(indent, append([]string{fmt.Sprintf("last_over_time(%s[%s])", metric, recent)}, current(collector)...)...)
}

// stamp reads a gauge that only rises, or whose highest value counts. NaN does not count.
func (writer) stamp(metric, collector string, indent int) string {
	return lines(indent, append([]string{fmt.Sprintf("max_over_time(%s[%s])", metric, recent)}, current(collector)...)...)
}

// failure reads when something last failed. 0 means never.
func (writer) failure(metric, collector string, indent int) string {
	return lines(indent, append([]string{fmt.Sprintf("max_over_time(%s[%s]) != 0", metric, recent)}, current(collector)...)...)
}

// open reads a gauge that may end by itself. Its last value counts only while its exporter is down, or has just come
// back and has not read the list again. It does not count if the target is frozen.
func (writer) open(metric, collector string, indent int) string {
	return lines(indent,
		"("+metric,
		fmt.Sprintf("or (last_over_time(%s[%s]) unless on (job, instance) (", metric, recent),
		`  min_over_time(mongodbatlas:exporter[15m]) == 1 and on (job, instance) (mongodbatlas_up or mongodbatlas_target_up{collector="clusters"})`,
		")))",
		fmt.Sprintf("unless on (job, instance, group_id, cl_name) mongodbatlas:target_frozen{collector=%q}", collector),
		fmt.Sprintf("unless on (job, instance, group_id) mongodbatlas:target_outdated{collector=%q}", parent(collector)),
	)
}

// evidence selects clusters whose list was read.
func (writer) evidence(jobs, success string) string {
	return fmt.Sprintf("(last_over_time(%s[%s]) or last_over_time(%s[%s]))", jobs, recent, success, recent)
}

// block indents all lines but the first.
func block(text string) string {
	return strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n          ")
}

// off keeps the switches of one kind that are off. It compares before it joins and labels, so that few series are left.
func (writer) off(name, metric, collector string, value int) string {
	return fmt.Sprintf(`label_replace(%s, "switch", %q, "", "")`, lines(14, append([]string{
		fmt.Sprintf("last_over_time(%s[%s]) == %d", metric, recent, value),
	}, current(collector)...)...), name)
}

// seenOn keeps the switches of one kind that are off and were on within the last 90 minutes, or a day ago.
func (writer) seenOn(name, readings string, value int) string {
	return fmt.Sprintf(`mongodbatlas:cluster_switch_off{switch=%q} and on (group_id, cl_name) %s == %d`, name, readings, value)
}

// due selects the expected intervals of clusters whose last success is longer ago than the interval.
func (f writer) due(metric, kind, success string) string {
	return block(strings.NewReplacer("METRIC", f.flag(metric, "backup_schedule", 8), "KIND", kind, "SUCCESS", success, "BY", f.by, "RECENT", recent).Replace(`
label_replace(
    max by (group_id, group_name, cl_nameBY) (METRIC)
    unless on (group_id, cl_name) (
      max by (group_id, cl_name) (last_over_time(SUCCESS[RECENT]) <= time() + 86400)
      >= on (group_id, cl_name)
      time() - max by (group_id, cl_name) (METRIC)
    ), "kind", "KIND", "", "")`))
}

// late returns the latest of some dates, for due clusters for which it is longer ago than the interval plus a grace.
// The grace is at most the interval.
func (f writer) late(kind string, grace threshold, dates ...string) string {
	return block(strings.NewReplacer(
		"DUE", fmt.Sprintf("mongodbatlas:due_interval_seconds{kind=%q}", kind), "INTERVAL", interval(kind), "DATES", strings.Join(dates, "|"),
		"KIND", kind, "GRACE", grace.String(), "BY", f.by, "RECENT", recent,
	).Replace(`
label_replace(
    (
      max by (group_id, group_name, cl_nameBY) (
        (last_over_time({__name__=~"DATES"}[RECENT]) and on (group_id, cl_name) DUE) <= time() + 86400
      )
      or on (group_id, cl_name)
      0 * max by (group_id, group_name, cl_nameBY) (DUE)
    )
    < on (group_id, cl_name) group_left ()
    (time() - INTERVAL - clamp_max(INTERVAL, GRACE)), "kind", "KIND", "", "")`))
}

// interval returns the expected interval of due clusters.
func interval(kind string) string {
	return fmt.Sprintf("max by (group_id, cl_name) (mongodbatlas:due_interval_seconds{kind=%q})", kind)
}

// shortened selects the clusters that are late because their interval became shorter.
func (writer) shortened(metric, kind string) string {
	return block(strings.NewReplacer("METRIC", metric, "KIND", kind, "INTERVAL", interval(kind)).Replace(`
time() + 0 * label_replace(label_replace(
    INTERVAL
    < on (group_id, cl_name)
    max by (group_id, cl_name) (
      max_over_time(METRIC[90m])
      unless on (job, instance, group_id, cl_name) mongodbatlas:target_outdated{collector="backup_schedule"}
    )
    and on (group_id, cl_name) mongodbatlas:late_baseline_timestamp_seconds{kind="KIND"}
    unless on (group_id, cl_name) last_over_time(mongodbatlas:late_baseline_timestamp_seconds{kind="KIND"}[90m] offset 1m),
    "switch", "interval", "", ""), "kind", "KIND", "", "")`))
}

func (f writer) overdue(kind string, grace threshold, metric, collector, other, jobs, success string) string {
	return block(strings.NewReplacer(
		"INTERVAL", interval(kind),
		"BASELINE", fmt.Sprintf("max by (group_id, cl_name) (mongodbatlas:late_baseline_timestamp_seconds{kind=%q})", kind),
		"NAMES", fmt.Sprintf("mongodbatlas:late_baseline_timestamp_seconds{kind=%q}", kind),
		"OFF", fmt.Sprintf(`mongodbatlas:cluster_switch_last_off_timestamp_seconds{switch=~"running|%s"}`, other),
		"PAUSED", `mongodbatlas:cluster_switch_last_off_timestamp_seconds{switch="running"}`,
		"SHORTER", fmt.Sprintf(`mongodbatlas:cluster_switch_last_off_timestamp_seconds{switch="interval",kind=%q}`, kind),
		"SINCE", "mongodbatlas:cluster_switch_off_since_timestamp_seconds",
		"GRACE", grace.String(), "METRIC", metric, "COLLECTOR", collector, "EVIDENCE", f.evidence(jobs, success), "BY", f.by, "RECENT", recent,
	).Replace(`
topk by (group_id, cl_name) (1,
  (time() - BASELINE)
  * on (group_id, cl_name) group_right ()
  group by (group_id, group_name, cl_nameBY) (NAMES)

  # Not while it is paused; the exporter drops the interval then.
  unless on (group_id, cl_name) mongodbatlas:cluster_switch_off{switch="running"}

  # Not yet after a switch: a cluster that was paused or switched off, and is on, gets the full time again, ...
  unless on (group_id, cl_name) (
    OFF > on (group_id, cl_name) group_left () (time() - INTERVAL - clamp_max(INTERVAL, GRACE))
    unless on (group_id, cl_name, switch) mongodbatlas:cluster_switch_off
    # ... but if that lasted less than an interval, not over and over: the time that it was on since the baseline is less than
    # twice the usual. A pause shorter than an interval and half a day (43200 s), or one that ended before an export or a
    # snapshot was due, is no reason.
    unless on (group_id, cl_name, switch) (
      (OFF - on (group_id, cl_name, switch) SINCE) < on (group_id, cl_name) group_left () INTERVAL
      and on (group_id, cl_name, switch) (
        (OFF - on (group_id, cl_name, switch) SINCE)
        <= on (group_id, cl_name) group_left () (time() - BASELINE - 2 * (INTERVAL + clamp_max(INTERVAL, GRACE)))
        or
        (PAUSED - on (group_id, cl_name, switch) SINCE) < on (group_id, cl_name) group_left () clamp_max(INTERVAL, 43200)
        or
        PAUSED <= on (group_id, cl_name) group_left () (BASELINE + INTERVAL)
      )
    )
    or
    SHORTER > on (group_id, cl_name) (time() - INTERVAL - clamp_max(INTERVAL, GRACE))
  )

  # A list that was never read says nothing: it is unreadable, pending, or its cluster is known for less than an hour.
  unless on (group_id, cl_name) (
    (
      mongodbatlas:target_frozen{collector="COLLECTOR"}
      or
      INTERVAL and on (group_id) mongodbatlas_targets{collector="COLLECTOR",state="pending"} > 0
      or
      INTERVAL unless on (group_id, cl_name) METRIC offset 1h
    )
    unless on (group_id, cl_name) EVIDENCE
  )
)`))
}

// stuck compares the age of the oldest unfinished job with a number of seconds.
func (f writer) stuck(metric, collector, by, success string, stuck, news threshold) string {
	return f.olderThan(metric, collector, by, success, stuck.String(), news)
}

// stuckBySuccess compares the age with a multiple of the duration of the last success, if it has one.
func (f writer) stuckBySuccess(metric, collector, success, duration string, factor, least, stuck, news threshold) string {
	return f.olderThan(metric, collector, "", success, strings.NewReplacer(
		"METRIC", metric, "DURATION", duration, "FACTOR", factor.String(), "LEAST", least.String(), "STUCK", stuck.String(), "RECENT", recent,
	).Replace(`on (group_id, cl_name) group_left () (
    clamp_min(FACTOR * max by (group_id, cl_name) (last_over_time(DURATION[RECENT])), LEAST)
    or
    max by (group_id, cl_name) (last_over_time(METRIC[RECENT])) * 0 + STUCK
  )`), news)
}

func (f writer) olderThan(metric, collector, by, success, limit string, news threshold) string {
	if by != "" {
		by = ", " + by
	}
	return block(strings.NewReplacer(
		"OPEN", f.open(metric, collector, 4), "METRIC", metric, "SUCCESS", success, "LIMIT", limit, "NEWS", news.String(),
		"TYPE", by, "BY", f.by, "RECENT", recent,
	).Replace(`
topk by (group_id, cl_nameTYPE) (1,
  time() - max by (group_id, group_name, cl_nameTYPEBY) (OPEN) > LIMIT
  # A job that died within Atlas is reported for NEWS s, once newer ones succeed.
  unless on (group_id, cl_nameTYPE) (
    (max by (group_id, cl_nameTYPE) (last_over_time(METRIC[RECENT])) < time() - NEWS)
    < max by (group_id, cl_nameTYPE) (max_over_time(SUCCESS[RECENT]))
  )
)`))
}

func (f writer) failed(prefix, collector string, news threshold) string {
	return f.failedFor(prefix, collector, "FAILURE > time() - NEWS", news)
}

// failedBefore reports a failure at least until the next job should have succeeded: the interval plus a day.
func (f writer) failedBefore(interval, prefix, collector string, news threshold) string {
	return f.failedFor(prefix, collector, strings.ReplaceAll(`FAILURE > time() - NEWS
    or
    max by (group_id, cl_name) (FAILURE != 0)
    > on (group_id, cl_name)
    time() - 86400 - max by (group_id, cl_name) (last_over_time(INTERVAL[RECENT]) > NEWS - 86400)`, "INTERVAL", interval), news)
}

func (f writer) failedFor(prefix, collector, recentFailure string, news threshold) string {
	metric := prefix + "_last_failure_timestamp_seconds"
	recentFailure = strings.NewReplacer("FAILURE", "max_over_time("+metric+"["+recent+"])", "NEWS", news.String(), "RECENT", recent).Replace(recentFailure)
	return block(strings.NewReplacer(
		"FAILURE", f.failure(metric, collector, 4), "SUCCESS", prefix+"_last_success_timestamp_seconds", "WHEN", recentFailure,
		"BY", f.by, "RECENT", recent,
	).Replace(`
topk by (group_id, cl_name) (1,
  max by (group_id, group_name, cl_nameBY) (FAILURE)
  > on (group_id, cl_name) group_left ()
  max by (group_id, cl_name) (max_over_time(SUCCESS[RECENT]))
  and on (group_id, cl_name) (
    WHEN
  )
)`))
}

func (f writer) restoreFailed(prefix, jobs, collector, by string, news threshold) string {
	if by != "" {
		by = ", " + by
	}
	return block(strings.NewReplacer(
		"STAMP", f.failure(prefix+"_last_failure_timestamp_seconds", collector, 6),
		"FAILURE", prefix+"_last_failure_timestamp_seconds", "SUCCESS", prefix+"_last_success_timestamp_seconds",
		"JOBS", jobs, "NEWS", news.String(), "DAY", news.Range(), "TYPE", by, "BY", f.by, "RECENT", recent,
	).Replace(`
topk by (group_id, cl_name) (1,
  max by (group_id, group_name, cl_nameBY) (
    max by (group_id, group_name, cl_nameTYPEBY) (STAMP)
    > on (group_id, cl_nameTYPE) group_left ()
    max by (group_id, cl_nameTYPE) (max_over_time(SUCCESS[RECENT]))
    # News of the last NEWS s. A failure without an end is dated by its beginning: one that began earlier shows in the number
    # of failed jobs.
    and on (group_id, cl_nameTYPE) (
      max by (group_id, cl_nameTYPE) (max_over_time(FAILURE[RECENT])) > time() - NEWS
      or
      max by (group_id, cl_nameTYPE) (last_over_time(JOBS[RECENT]))
      > max by (group_id, cl_nameTYPE) (last_over_time(JOBS[RECENT] offset DAY))
    )
  )
)`))
}

func (f writer) switchedOff(name string) string {
	return block(strings.NewReplacer("SWITCH", name, "BY", f.by).Replace(`
topk by (group_id, cl_name) (1,
  (time() - mongodbatlas:cluster_switch_off_since_timestamp_seconds{switch="SWITCH"} > 1200)
  * on (group_id, cl_name) group_right ()
  group by (group_id, group_name, cl_nameBY) (mongodbatlas:cluster_switch_off{switch="SWITCH"})
)`))
}

// spare keeps or drops the alert on an exporter while another one, whose scrapes succeed, reads all known projects. A
// project is not read if the time of its last reading has not changed for five minutes.
func (writer) spare(keep bool) string {
	operator := "unless"
	if keep {
		operator = "and"
	}
	return operator + ` on () (
            max(mongodbatlas:exporter_reads unless on (job, instance) min_over_time(mongodbatlas:exporter[5m]) == 0) == 1
            unless on () (
              mongodbatlas:project_last_read_timestamp_seconds
              == mongodbatlas:project_last_read_timestamp_seconds offset 5m
            )
          )`
}

const (
	ofCluster = `group_id=%q,cl_name=%q`
	cluster   = `$labels.group_id $labels.cl_name`
)

// age writes a duration in at most two units.
func age(value ...string) string {
	return `{{ ` + strings.Join(append(value, "$value")[:1], "") +
		` | humanizeDuration | reReplaceAll "^(\\S+ \\S+) .*$" "$1" | reReplaceAll " 0[hms]$" "" }}`
}

func at(value string) string {
	return `{{ ` + value + ` | humanizeTimestamp | reReplaceAll "\\.\\d+|\\+0000 " "" }}`
}

func lastSuccess(metric string) string {
	return `{{ range printf "max(max_over_time(` + metric + `{` + ofCluster + `}[` + recent + `])) > 0" ` + cluster + ` | query }}` +
		at(".Value") + `{{ else }}never{{ end }}`
}

func newest(metric string) string {
	return `{{ range printf "max by (state) (` + metric + `{` + ofCluster + `}) == 1" ` + cluster + ` | query }}{{ .Labels.state }}{{ else }}none{{ end }}`
}

func code(metric string) string {
	return `{{ range printf "max by (error_code) (` + metric + `{` + ofCluster + `})" ` + cluster + ` | query }}{{ .Labels.error_code }}{{ else }}none{{ end }}`
}

func seconds(metric string) string {
	return `{{ range printf "max(` + metric + `{` + ofCluster + `})" ` + cluster + ` | query }}` + age(".Value") + `{{ else }}an unknown time{{ end }}`
}

func expected(metric string) string {
	return `{{ range printf "max(` + metric + `{` + ofCluster + `})" ` + cluster + ` | query }}` + age(".Value") + `{{ end }}`
}

func failedTypes(prefix string) string {
	return `{{ range printf "max by (delivery_type) (` + prefix + `_last_failure_timestamp_seconds{` + ofCluster + `}) > max by (delivery_type) (` +
		prefix + `_last_success_timestamp_seconds{` + ofCluster + `})" ` + cluster + ` ` + cluster +
		` | query | sortByLabel "delivery_type" }}{{ " " }}{{ .Labels.delivery_type }}{{ else }} unknown{{ end }}`
}

func (f writer) cluster() string {
	return f.values.AtlasURL + `/v2/{{ $labels.group_id }}#/clusters/detail/{{ $labels.cl_name | urlquery }}`
}

func (f writer) project() string {
	return f.values.AtlasURL + `/v2/{{ $labels.group_id }}`
}

// links writes the annotations at the end of every alert.
func (f writer) links(alert string) string {
	dashboard := "mongodbatlas-backup-exporter"
	switch {
	case strings.Contains(alert, "Pipeline"):
		dashboard = "mongodbatlas-backup-project?var-project={{ $labels.group_id }}"
	case strings.HasPrefix(alert, "MongoDBAtlasBackup"), strings.HasPrefix(alert, "MongoDBAtlasFlex"), strings.HasPrefix(alert, "MongoDBAtlasCollection"):
		dashboard = "mongodbatlas-backup-project?var-project={{ $labels.group_id }}&var-cluster={{ $labels.cl_name | urlquery }}"
	}
	return "runbook_url: " + f.values.RunbookURL + strings.ToLower(alert) +
		"\n          dashboard_url: \"" + f.values.DashboardURL + "/d/" + dashboard + `"`
}
