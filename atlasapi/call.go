package atlasapi

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"
)

// A request passes through these functions. Each calls the next one:
//
//	call                   decodes the answer
//	retry                  sends the request again after a temporary failure
//	attempt                waits for the rate limit and for a turn
//	Credentials.authorize  signs the request
//	send                   sends the request, reads the answer, and calls the observer

// call sends a request until it succeeds or a retry makes no sense, and then decodes the body. decode must not keep the
// body.
func (c *Client) call(ctx context.Context, r *request, decode func(body []byte) error) error {
	return c.retry(ctx, r.op, func() error {
		answered, err := c.attempt(ctx, r)
		if err != nil {
			return err
		}
		defer c.release(answered)
		if err := decode(answered.Bytes()); err != nil {
			return &Error{Endpoint: r.op.name, Kind: KindBadResponse, Err: fmt.Errorf("unusable answer: %w", err)}
		}
		return nil
	})
}

// retry calls f until it succeeds, fails for good, or has been called often enough. An error after retries says how many
// attempts there were, because together they take longer than the request timeout.
func (c *Client) retry(ctx context.Context, op *operation, f func() error) error {
	for retries := 0; ; retries++ {
		err := f()
		failure, ok := errors.AsType[*Error](err)
		if !ok {
			return err
		}
		sent := retries + 1
		if failure.sentNothing {
			sent--
		}
		if sent > 1 && failure.attempts == 0 { // the token's attempts are counted already
			counted := *failure // others may have the same error
			counted.attempts = sent
			err = &counted
		}
		if !failure.retriable() || retries == c.maxRetries {
			return err
		}
		wait := backoff(retries)
		if failure.Kind == KindRateLimited {
			wait += retryAfterFloor
		}
		wait = max(wait, time.Until(failure.RetryAt))
		if deadline, ok := ctx.Deadline(); wait > longestWait || ok && time.Now().Add(wait).After(deadline) {
			return err
		}
		c.observer.Retried(op.name, failure.Kind)
		if err := sleep(ctx, wait); err != nil {
			return err
		}
		if failure.Kind == KindRateLimited {
			c.observer.Throttled(op.name, wait)
		}
	}
}

// backoff returns the delay before a retry. It doubles with each retry, and has a jitter of half of itself to both
// sides, so that requests that failed together are not retried together.
func backoff(retries int) time.Duration {
	mean := firstBackoff << min(retries, 6)
	return mean/2 + rand.N(mean)
}

// attempt sends a request once, when the rate limit and the requests in flight allow.
func (c *Client) attempt(ctx context.Context, r *request) (*answer, error) {
	bucket := bucketKey{r.op.limit, r.groupID}
	waited, err := c.limits.wait(ctx, bucket)
	if waited > 0 {
		c.observer.Throttled(r.op.name, waited)
	}
	if err != nil {
		if refused, ok := errors.AsType[*Error](err); ok {
			refused.Endpoint = r.op.name
		}
		return nil, err
	}
	r.reported = Optional[RateLimit]{}
	defer func() { c.limits.sent(bucket, r.reported) }()
	own, err := c.turns.take(ctx, lineKey{r.op.name, r.groupID})
	if err != nil {
		return nil, err
	}
	answered, err := c.credentials.authorize(ctx, c, r)
	c.turns.done(own, outcomeOf(err))
	if failure, ok := errors.AsType[*Error](err); ok && failure.Status == http.StatusTooManyRequests && !IsOfToken(err) {
		c.limits.block(bucket, failure.RetryAt)
	}
	return answered, err
}

// outcomeOf returns what the end of a request says about its line. A failure of the token's request says nothing about
// it.
func outcomeOf(err error) outcome {
	failure, ok := errors.AsType[*Error](err)
	switch {
	case err == nil:
		return outcomeAnswered
	case !ok || IsOfToken(err):
		return outcomeNone
	case failure.Status != 0 || failure.Kind == KindBadResponse:
		return outcomeAnswered
	case failure.Kind == KindTimeout:
		return outcomeHung
	}
	return outcomeNone
}

// timed returns a context that bounds one request by the client's request timeout.
func (c *Client) timed(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, c.timeout, errRequestTimeout)
}
