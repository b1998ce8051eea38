//go:build race

package harness

// raceEnabled tells whether the test was built with -race: the exporter is then built so, too.
const raceEnabled = true
