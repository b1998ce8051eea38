package collector

import "slices"

// Family describes a metric family, for the documentation.
type Family struct {
	Name, Type, Help string
	// Source is the field of the API with the value, "" if the exporter computes it.
	Source string
	Labels []string
	// Example is a query to start with, "" if the metric needs none.
	Example string
}

// FamilyGroup holds the metric families of one collector.
type FamilyGroup struct {
	Title    string
	Families []Family
}

// Families describes every metric of the collectors and of the client.
func (t Table) Families() []FamilyGroup {
	var groups []FamilyGroup
	for _, d := range t {
		if all := slices.Concat(d.metrics, d.entryFamilies.metrics()); len(all) > 0 {
			groups = append(groups, FamilyGroup{d.Title, described(all)})
		}
	}
	own := slices.Concat(newReadFamilies().list(), newClientFamilies().list())
	return append(groups, FamilyGroup{"The exporter itself", described(own)})
}

func described(metrics []*metric) []Family {
	var all []Family
	for _, m := range metrics {
		all = append(all, Family{Name: m.name, Type: m.kind, Help: m.help, Source: m.source, Labels: slices.Clone(m.labels), Example: m.example})
	}
	return all
}
