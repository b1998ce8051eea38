package collector

import (
	"reflect"
	"slices"
)

// Family describes a metric family, for the documentation.
type Family struct {
	Name, Type, Help string
	// Source is the field of the API that the value comes from, "" where the exporter makes it itself.
	Source string
	Labels []string
}

// Families describes every metric of the collectors and of the client, by the collector that it belongs to.
func Families() map[string][]Family {
	return map[string][]Family{
		"Export jobs":                       families(exportMetrics, clusterMetrics),
		"Restore jobs":                      families(restoreMetrics),
		"Pipeline runs":                     families(runMetrics, pipelineMetrics),
		"What the exporter knows of itself": families(healthMetrics, apiMetrics),
	}
}

// families lists the metrics that are the fields of the structs, in their order.
func families(declarations ...any) []Family {
	var all []Family
	for _, declaration := range declarations {
		for _, field := range reflect.ValueOf(declaration).Fields() {
			m := (*metric)(field.UnsafePointer())
			all = append(all, Family{Name: m.name, Type: m.kind, Help: m.help, Source: m.source, Labels: slices.Clone(m.labels)})
		}
	}
	return all
}
