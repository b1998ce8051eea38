package check

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// often is how long a line of the progress stays at least.
const often = 100 * time.Millisecond

// progress shows how far the check is, on one line of a terminal that is written again and again. It knows no terminal's
// control codes but the return to the beginning of the line.
type progress struct {
	out io.Writer // nil shows nothing

	mu          sync.Mutex
	what        string
	done, total int
	shown       time.Time
	width       int
}

// begin tells of the next part of the check.
func (p *progress) begin(what string, total int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.what, p.done, p.total = what, 0, total
	if total > 0 {
		p.show()
	}
}

// step tells that one more thing is done.
func (p *progress) step() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done++
	if time.Since(p.shown) >= often {
		p.show()
	}
}

// end takes the line away.
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

// line replaces what stands on the line. The lock is held.
func (p *progress) line(text string) {
	if p.out == nil {
		return
	}
	blank := strings.Repeat(" ", max(0, p.width-len(text)))
	_, _ = fmt.Fprint(p.out, "\r", text, blank) // it is a courtesy
	p.width = len(text)
}
