package faultmatrix

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// series is one sample with its labels, and the target that it is read from.
type series struct {
	name   string
	labels map[string]string
	value  float64
	owner  target
}

// snapshot is one scrape.
type snapshot struct {
	at    time.Time
	all   harness.Exposition
	usage harness.Usage
	// values are the series about Atlas. others are the series about the exporter itself.
	values map[string]series
	others map[string]series

	up          map[target]bool
	failed      map[target]string // reason of each target that is down
	unsupported map[target]string
	refreshed   map[target]float64
}

// read parses an exposition into a snapshot. It returns an error if the exposition is not well formed.
func read(body []byte, at time.Time, configured bool) (*snapshot, error) {
	all, err := harness.ParseExposition(body)
	if err != nil {
		return nil, err
	}
	s := &snapshot{
		at: at, all: all, usage: harness.UsageOf(all), values: map[string]series{}, others: map[string]series{}, up: map[target]bool{},
		failed: map[target]string{}, unsupported: map[target]string{}, refreshed: map[target]float64{},
	}
	for key, value := range all {
		one := series{name: harness.Family(key), labels: harness.Labels(key), value: value}
		if one.owner = owner(one.name, one.labels, configured); one.owner.collector != "" {
			s.values[key] = one
			continue
		}
		if strings.HasPrefix(one.name, "mongodbatlas_backup_") {
			return nil, fmt.Errorf("%s is read from no known endpoint", key)
		}
		s.others[key] = one
		switch t := (target{one.labels["collector"], one.labels["group_id"], one.labels["cl_name"], one.labels["pipeline"]}); one.name {
		case "mongodbatlas_target_up":
			s.up[t] = value == 1
			if value != 0 && value != 1 {
				return nil, fmt.Errorf("%s is %v", key, value)
			}
		case "mongodbatlas_target_last_error_info":
			s.failed[t] = one.labels["reason"]
		case "mongodbatlas_target_unsupported_info":
			s.unsupported[t] = one.labels["reason"]
		case "mongodbatlas_target_last_refresh_timestamp_seconds":
			s.refreshed[t] = value
		}
	}
	return s, nil
}

// guard is the set of strings that the exporter must never output, by a description.
type guard map[string]string

// longestNeedle is the number of bytes of a log that are searched again, because a string may span two searches.
const longestNeedle = 256

// tokenPrefix is the prefix of every token of the simulated Atlas.
const tokenPrefix = "simulated-token-"

func newGuard(account atlassim.ServiceAccount, key atlassim.APIKey) guard {
	return guard{
		"the client secret":           account.ClientSecret,
		"the client secret in base64": base64.StdEncoding.EncodeToString([]byte(account.ClientID + ":" + account.ClientSecret)),
		"the private key":             key.PrivateKey,
		"an access token":             tokenPrefix,
		"the address of a download":   downloadMarker,
		"a panic":                     "panic: ",
		"a fatal error":               "fatal error:",
		"a data race":                 "DATA RACE",
	}
}

// search returns a message for each secret or sign of a crash in a text.
func (g guard) search(where string, text []byte) []string {
	var found []string
	for what, needle := range g {
		if bytes.Contains(text, []byte(needle)) {
			found = append(found, where+" shows "+what)
		}
	}
	return found
}
