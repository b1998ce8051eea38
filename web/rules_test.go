package web

import (
	"os"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"

	"gopkg.in/yaml.v3"
)

// TestPageFollowsRules holds that the page is as patient as the alerting rules: every time in the expressions that it follows is
// the constant that stands for it. There, a time is an integer of seconds with four digits or more, and nothing else has four;
// a multiple of a duration has one.
func TestPageFollowsRules(t *testing.T) {
	content, err := os.ReadFile("../alerts/mongodbatlas.rules.yml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Groups []struct {
			Rules []struct{ Alert, Record, Expr string }
		}
	}
	if err := yaml.Unmarshal(content, &file); err != nil {
		t.Fatal(err)
	}
	numbers := regexp.MustCompile(`\b\d{4,}\b|\b\d \*`)
	got := map[string][]int{}
	for _, group := range file.Groups {
		for _, rule := range group.Rules {
			for _, number := range numbers.FindAllString(rule.Expr, -1) {
				n, err := strconv.Atoi(regexp.MustCompile(`\d+`).FindString(number))
				if err != nil {
					t.Fatal(err)
				}
				got[rule.Alert+rule.Record] = append(got[rule.Alert+rule.Record], n)
			}
		}
	}
	seconds := func(d time.Duration) int { return int(d / time.Second) }
	for rule, want := range map[string][]int{
		"MongoDBAtlasBackupExportFailed":                        {seconds(failureIsNews)},
		"MongoDBAtlasPipelineRunFailed":                         {seconds(failureIsNews)},
		"MongoDBAtlasBackupRestoreFailed":                       {seconds(restoreFailureIsNews)},
		"mongodbatlas:backup_export_patience_seconds":           {seconds(mostPatience)},
		"mongodbatlas:backup_export_baseline_timestamp_seconds": {seconds(mostSkew)},
		"MongoDBAtlasBackupExportOverdue":                       nil,
		"MongoDBAtlasBackupExportStuck":                         {usualDurations, seconds(leastExportTime), seconds(longestJob)},
		"MongoDBAtlasBackupRestoreStuck":                        {seconds(longestJob)},
		"MongoDBAtlasPipelineRunStuck":                          {seconds(longestRun)},
	} {
		if !slices.Equal(got[rule], want) {
			t.Errorf("%s has %v, and the page %v", rule, got[rule], want)
		}
	}
}
