// Package alerts has the alerting rules. They are generated: see alerts/generate.
package alerts

//go:generate go run ./generate -root ..
