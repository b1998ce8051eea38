package main

func exporter() dashboard {
	var l layout
	l.row("State")
	l.add(4, 4, stat("Atlas readable", "Whether the last reading of the list of projects succeeded and found projects. It is 'no' if one exporter cannot read the list.", unitCount,
		query{"min(mongodbatlas_up{exporter})", "Atlas"}).
		mapped(values(1, "yes", "green", 0, "no", "red")).option("colorMode", "background_solid"))
	l.add(4, 4, stat("Version", "The version that is running. There are several during an update.", unitCount,
		query{"count by (version) (mongodbatlas_exporter_build_info{exporter})", "{{version}}"}).option("textMode", "name"))
	l.add(4, 4, stat("Last reload", "Whether the last reload of the configuration succeeded. If it fails, the exporter keeps the previous configuration.", unitCount,
		query{"min(mongodbatlas_exporter_config_last_reload_successful{exporter})", "reload"}).
		mapped(values(1, "good", "green", 0, "refused", "red")).option("colorMode", "background_solid"))
	l.add(4, 4, stat("Configuration loaded", "How long ago the configuration in use was loaded.", unitDuration,
		query{"time() - max(mongodbatlas_exporter_config_last_reload_success_timestamp_seconds{exporter})", "age"}).standard("decimals", 1))
	l.add(4, 4, count("Targets down", "Targets whose last reading failed.", byTarget+" (mongodbatlas_target_up{instance}) == 0", "red", "Collectors"))
	l.add(4, 4, stat("API version ends in", "Time until the first API version in use ends, as Atlas announces it; orange in the last 90 days.", unitDuration,
		query{"min(mongodbatlas_api_sunset_timestamp_seconds{exporter}) - time()\nor count(mongodbatlas_up{exporter}) * 0 + 3153600000", "sunset"}).
		mapped(between(3e9, 4e9, "not announced", "green")).
		limits().standard("thresholds", thresholds("orange", 7776000, "green")).standard("decimals", 0))

	l.row("Calls to Atlas")
	l.add(8, 8, timeseries("Calls by endpoint", "Requests per second, retries included.", unitRate,
		query{"sum by (endpoint) (rate(mongodbatlas_api_requests_total{exporter}[$__rate_interval]))", "{{endpoint}}"}).stacked())
	l.add(8, 8, timeseries("Calls by code", "Requests per second by HTTP status; 'error' means that there was no answer. 200 is normal.", unitRate,
		query{"sum by (code) (rate(mongodbatlas_api_requests_total{exporter}[$__rate_interval])) > 0", "{{code}}"}))
	l.add(8, 8, timeseries("Failed calls and retries", "Requests per second with an answer of 4xx or 5xx or without an answer, and retries, by endpoint.", unitRate,
		query{orNone(`sum by (endpoint, code) (rate(mongodbatlas_api_requests_total{exporter,code!~"[23].."}[$__rate_interval])) > 0`, "code"), "failed: {{endpoint}} {{code}}"},
		query{orNone("sum by (endpoint, reason) (rate(mongodbatlas_api_retries_total{exporter}[$__rate_interval])) > 0", "reason"), "retried: {{endpoint}} {{reason}}"}).custom("axisSoftMax", 1))
	for _, q := range []struct{ title, quantile string }{{"Median latency", "0.5"}, {"95th percentile of latency", "0.95"}} {
		l.add(8, 8, timeseries(q.title+" by endpoint", "How long Atlas takes to answer one request.", unitDuration,
			query{quantile(q.quantile), "{{endpoint}}"}))
	}
	l.add(8, 8, timeseries("Throttling", "How long requests waited for the rate limit, in seconds per second. 1 means that one request is waiting all the time.", unitDuration,
		query{orNone("sum by (endpoint) (rate(mongodbatlas_api_throttled_seconds_total{exporter}[$__rate_interval])) > 0", "endpoint"), "{{endpoint}}"}).custom("axisSoftMax", 1))
	const noLimit = "Atlas has reported no rate limit."
	remaining := "min by (endpoint) (mongodbatlas_api_ratelimit_remaining{instance} / mongodbatlas_api_ratelimit_limit{instance})"
	l.add(12, 8, table("Rate limit left", "What was left of the rate limit after the last answer, for the project with the least. Other tools share this limit.", noLimit,
		[]column{
			labelColumn("Endpoint", "endpoint"),
			valueColumn("Left", unitShare, remaining, width(110), property{"decimals", 0}, coloured("color-text"), property{"thresholds", thresholds("red", 0.1, "orange", 0.25, "green")}),
			valueColumn("Requests", unitCount, "min by (endpoint) (mongodbatlas_api_ratelimit_remaining{instance})", width(110)),
			valueColumn("Of", unitCount, "max by (endpoint) (mongodbatlas_api_ratelimit_limit{instance})", width(100)),
		}, ascending("Left")))
	l.add(12, 8, timeseries("Rate limit left over time", "The share of the rate limit that was left, for the project with the least.", unitShare,
		query{remaining, "{{endpoint}}"}).standard("max", 1).standard("noValue", noLimit))
	reads(&l)

	l.row("Process")
	const own = " and on (job, instance) mongodbatlas_up{exporter}"
	l.add(8, 7, timeseries("Memory", "Resident memory and the heap in use.", unitBytes,
		query{"process_resident_memory_bytes{exporter}" + own, "resident {{instance}}"}, query{"go_memstats_heap_inuse_bytes{exporter}" + own, "heap {{instance}}"}))
	l.add(8, 7, timeseries("CPU", "Share of one core.", unitShare,
		query{"rate(process_cpu_seconds_total{exporter}[$__rate_interval])" + own, "{{instance}}"}))
	l.add(8, 7, timeseries("Goroutines", "Should return to the same level after each scrape.", unitCount, query{"go_goroutines{exporter}" + own, "{{instance}}"}))

	return newDashboard(exporterUID, "MongoDB Atlas backup / Exporter",
		"The exporter itself: its calls to Atlas, how fresh its values are, what it can and cannot read.", l,
		queryVariable("instance", "Exporter", `label_values(mongodbatlas_exporter_build_info{job=~"$job"}, instance)`, ""))
}

// reads shows what the exporter has read.
func reads(l *layout) {
	l.row("What it reads")
	l.add(8, 8, timeseries("Age of the oldest value", "Time since the last successful reading of a collector's target, for the oldest target that is up. Discovery reads every ten minutes.", unitDuration,
		query{"max by (collector) (time() - " + byTarget + " (mongodbatlas_target_last_refresh_timestamp_seconds{instance}) and " + byTarget + " (mongodbatlas_target_up{instance}) == 1)", "{{collector}}"}))
	l.add(8, 8, timeseries("Duration of the last reading", "How long each collector took to bring all its targets up to date.", unitDuration,
		query{"max by (collector) (mongodbatlas_scrape_collector_duration_seconds{exporter})", "{{collector}}"}))
	l.add(8, 8, timeseries("Duration of a scrape", "How long Prometheus waited for the exporter.", unitDuration,
		query{"max by (instance) (scrape_duration_seconds{exporter} and on (job, instance) mongodbatlas_up{exporter})", "{{instance}}"}))
	l.add(16, 9, collectors())
	l.add(8, 9, timeseries("Targets by state", "All targets of the selected projects. Pending: not read yet.", unitCount,
		query{"sum by (state) (max by (collector, group_id, state) (mongodbatlas_targets{instance}))", "{{state}}"}).
		stacked().colouredByState("up", "down", "unsupported", "pending"))
}

func collectors() *panel {
	states := func(title, state, colour string) column {
		return valueColumn(title, unitCount, `sum by (collector) (max by (collector, group_id) (mongodbatlas_targets{instance,state="`+state+`"}))`,
			coloured("color-text"), property{"thresholds", thresholds("text", 1, colour)}, width(125))
	}
	return table("Collectors",
		"Readings: ok if the last reading of every target of the collector succeeded. Unsupported targets do not count as failed, but targets that were not read yet do. The other columns are numbers of targets.",
		"No exporter is scraped.",
		[]column{
			labelColumn("Collector", "collector"),
			valueColumn("Readings", unitCount, "min by (collector) (mongodbatlas_scrape_collector_success{exporter})",
				coloured("color-text"), mappings(values(1, "ok", "green", 0, "failed", "red"), missing("-")), width(100)),
			valueColumn("Took", unitDuration, "max by (collector) (mongodbatlas_scrape_collector_duration_seconds{exporter})", width(100)),
			states("Up", "up", "green"), states("Down", "down", "red"), states("Unsupported", "unsupported", "text"), states("Pending", "pending", "orange"),
		}, descending("Down"), ascending("Collector"))
}

// quantile returns a quantile of the latency, from the classic buckets or the native histogram, depending on which of
// them Prometheus stores. Without requests it would be NaN, so it is left out.
func quantile(q string) string {
	rate := "(rate(mongodbatlas_api_request_duration_seconds_bucket{exporter}[$__rate_interval]))"
	native := "(rate(mongodbatlas_api_request_duration_seconds{exporter}[$__rate_interval]))"
	return "(histogram_quantile(" + q + ", sum by (le, endpoint) " + rate + ")\nor histogram_quantile(" + q + ", sum by (endpoint) " + native + ")) >= 0"
}
