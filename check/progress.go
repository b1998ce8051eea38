package check

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// redrawInterval is the minimum time between two updates of the line.
const redrawInterval = 100 * time.Millisecond

// progress shows the progress of the check on one line of a terminal. It rewrites the line with carriage returns, and
// needs no other control codes.
type progress struct {
	out io.Writer // nil shows nothing

	mu          sync.Mutex
	what        string
	done, total int
	shown       time.Time
	width       int
}

// begin starts the next part of the check.
func (p *progress) begin(what string, total int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.what, p.done, p.total = what, 0, total
	if total > 0 {
		p.show()
	}
}

// step counts one more finished call.
func (p *progress) step() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done++
	if time.Since(p.shown) >= redrawInterval {
		p.show()
	}
}

// end removes the line.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.line("")
	p.line("")
}

func (p *progress) show() {
	p.shown = time.Now()
	p.line(fmt.Sprintf("checking %s: %d of %d", p.what, p.done, p.total))
}

// line replaces the text of the line. The lock is held.
func (p *progress) line(text string) {
	if p.out == nil {
		return
	}
	blank := strings.Repeat(" ", max(0, p.width-len(text)))
	_, _ = fmt.Fprint(p.out, "\r", text, blank) // an error does not matter: the progress is only a convenience
	p.width = len(text)
}
