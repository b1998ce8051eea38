package web

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"
)

// TestScrapeTimeout checks how long a scrape may take, whatever its header says.
func TestScrapeTimeout(t *testing.T) {
	const standard = 10*time.Second - 500*time.Millisecond
	s := &server{Options: Options{TimeoutOffset: 500 * time.Millisecond}}
	for header, want := range map[string]time.Duration{
		"30": 29500 * time.Millisecond, "2.5": 2 * time.Second, "1e1": standard, "3599": 3598500 * time.Millisecond,
		"0.5": 250 * time.Millisecond, "0.001": 500 * time.Microsecond, "1e-300": 0, // less than the offset: a part of it

		"": standard, "abc": standard, "10s": standard, "10,5": standard, "0": standard, "-0": standard, "-1": standard, "-1e308": standard,
		"NaN": standard, "Inf": standard, "-Inf": standard, "infinity": standard, "1e308": standard, "1e999": standard, "3600": standard,
		"99999999999999999999": standard, " 30": standard, "30\x00": standard,
	} {
		t.Run(strconv.Quote(header), func(t *testing.T) {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", http.NoBody)
			r.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", header)
			if got := s.timeout(r); got != want {
				t.Errorf("%v, want %v", got, want)
			}
		})
	}
}
