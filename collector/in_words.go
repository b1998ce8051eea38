package collector

import (
	"strconv"
	"strings"
)

// inWords writes a number of things: 1.2 million.
func inWords(n float64) string { return scaled(n, 1000, "", "thousand", "million", "billion") }

// bytesInWords writes a number of bytes: 3 GiB.
func bytesInWords(n float64) string { return scaled(n, 1024, "B", "KiB", "MiB", "GiB", "TiB", "PiB") }

// scaled writes a number in the largest unit that fits. Each unit has step times the size of the one before.
func scaled(n, step float64, units ...string) string {
	for n >= step && len(units) > 1 {
		n, units = n/step, units[1:]
	}
	return strings.TrimSpace(strings.TrimSuffix(strconv.FormatFloat(n, 'f', 1, 64), ".0") + " " + units[0])
}
