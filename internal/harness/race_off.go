//go:build !race

package harness

// raceEnabled tells whether the test was built with -race: the exporter is then built so, too.
const raceEnabled = false

// Slowness multiplies every limit of time of a test: the race detector makes programs several times slower.
const Slowness = 1
