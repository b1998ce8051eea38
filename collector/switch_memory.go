package collector

import (
	"sync"
	"time"
)

// switchMemory remembers what the exporter saw of a switch in Atlas, because Atlas keeps no history of it.
type switchMemory struct {
	mu      sync.Mutex
	noted   bool
	on      bool
	last    time.Time // on was seen
	restart Restart
}

// unknownLength is the assumed length of an interruption whose beginning the exporter did not see.
const unknownLength = 10 * 366 * 24 * time.Hour

func (m *switchMemory) note(on bool, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if on && m.noted && !m.on {
		m.restart = Restart{At: now, After: unknownLength}
		if !m.last.IsZero() {
			m.restart.After = now.Sub(m.last)
		}
	}
	if m.noted, m.on = true, on; on {
		m.last = now
	}
}

// lastOn returns when the switch was last seen on, zero if it never was.
func (m *switchMemory) lastOn() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.last
}

// restarted returns when the switch was last seen on again after it was off.
func (m *switchMemory) restarted() Restart {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.restart
}
