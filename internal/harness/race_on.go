//go:build race

package harness

// raceEnabled is true if the test was built with -race. The exporter is then built with -race, too.
const raceEnabled = true

// Slowness multiplies time limits in tests, because the race detector makes programs several times slower.
const Slowness = 4
