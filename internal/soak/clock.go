package soak

import (
	"sync"
	"time"
)

// clock is the time of the simulated Atlas: that of the machine, but that it can be made to stand still. The dates that
// Atlas answers are then those that the exporter's own clock goes by, which decides when it looks at a download or a
// dataset whose time is up.
type clock struct {
	mu    sync.Mutex
	still time.Time
}

// Now is the time of the machine, or the moment at which the clock stands.
func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.still.IsZero() {
		return time.Now()
	}
	return c.still
}

// stop has the clock stand still, and returns when.
func (c *clock) stop() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.still.IsZero() {
		c.still = time.Now()
	}
	return c.still
}

// resume has the clock show the time of the machine again. What comes due in between happens at once, dated as planned.
func (c *clock) resume() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.still = time.Time{}
}
