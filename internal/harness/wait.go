package harness

import (
	"context"
	"testing"
	"time"
)

// Eventually calls check until it returns nil. It fails the test with the last error of check after two minutes, which is
// much longer than a few scrapes and rule evaluations take on a busy machine.
func Eventually(t testing.TB, check func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	for {
		err := check()
		if err == nil {
			return
		}
		if Pause(ctx, 100*time.Millisecond) != nil {
			t.Fatalf("timeout: %v", err)
		}
	}
}

// Pause waits for d. It returns the cause of the context's end if the context ends before.
func Pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
