package atlasapi

import (
	"context"
	"crypto/fips140"
	"errors"
	"fmt"
	"net/http"
	"sync"

	"github.com/icholy/digest"
)

// APIKey signs requests by HTTP digest with a public and a private key.
//
// It reuses the server's challenges, so that a request takes one round trip instead of two. Each challenge serves one
// request at a time. Its nonce count then rises in the order in which the server receives the requests, which all known
// servers accept.
type APIKey struct {
	public string

	mu      sync.Mutex
	private Secret
	free    []*challenge
}

type challenge struct {
	parsed *digest.Challenge
	used   int
}

// keptChallenges bounds the challenges kept between bursts of requests.
const keptChallenges = 64

// NewAPIKey returns the credentials of a programmatic API key.
func NewAPIKey(publicKey string, privateKey Secret) *APIKey {
	return &APIKey{public: publicKey, private: privateKey}
}

// Format writes only the public key, whatever the verb.
func (k *APIKey) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, "API key ", k.public) }

func (k *APIKey) secrets() []Secret { return []Secret{k.secret()} }

func (k *APIKey) secret() Secret {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.private
}

func (k *APIKey) authorize(ctx context.Context, via *Client, r *request) (*answer, error) {
	ctx, cancel := via.timed(ctx)
	defer cancel()
	private := k.secret()
	answered, err := k.sendSigned(ctx, via, r, private)
	if refused := refusal(err); refused == nil || !refused.rejectsKey {
		return answered, err
	}
	another := k.secret() // another request may have read the secret again in the meantime
	if another == private {
		var changed bool
		if another, changed = via.refreshSecret(ctx, private); !changed {
			return nil, err
		}
		k.mu.Lock()
		k.private = another
		k.mu.Unlock()
	}
	return k.sendSigned(ctx, via, r, another)
}

// sendSigned sends a request signed with a cached challenge, or unsigned if there is none. If Atlas refuses that with a new
// challenge, it signs the request with that one and sends it once more.
//
// A 401 has three meanings here. For an unsigned request it only carries the challenge. For a request signed with a
// cached challenge, the nonce may have expired: try the new one. For a request signed with a challenge made for it,
// Atlas rejects the key itself, unless the code says that a role is missing.
func (k *APIKey) sendSigned(ctx context.Context, via *Client, r *request, private Secret) (*answer, error) {
	current, fresh := k.take(), false
	for {
		authorization, err := k.sign(current, r, private)
		if err != nil {
			return nil, &Error{Endpoint: r.op.name, Kind: KindBadResponse, Err: err}
		}
		answered, err := via.send(ctx, r, authorization)
		refused := refusal(err)
		// Done: not a 401, or a 401 for a signed request whose code says that the key is known but lacks a role.
		if refused == nil || current != nil && refused.Kind != KindUnauthorized {
			if current != nil && (err == nil || isAnswered(err)) {
				k.put(current)
			}
			return answered, err
		}
		if fresh {
			refused.rejectsKey = true // even with a challenge made for this request
			return nil, refused
		}
		parsed, parseErr := digest.FindChallenge(http.Header{"Www-Authenticate": refused.challenges})
		if parseErr != nil || !digest.CanDigest(parsed) {
			refused.Err = errors.New("the answer offers no digest authentication")
			return nil, refused
		}
		current, fresh = &challenge{parsed: parsed}, true
	}
}

// sign answers a challenge. Atlas's digest uses MD5, which panics in Go's FIPS-only mode, so this call is exempt from
// that mode.
func (k *APIKey) sign(c *challenge, r *request, private Secret) (authorization string, err error) {
	if c == nil {
		return "", nil
	}
	c.used++
	fips140.WithoutEnforcement(func() {
		var signed *digest.Credentials
		signed, err = digest.Digest(c.parsed, digest.Options{
			Method:   r.method,
			URI:      r.url.RequestURI(),
			Count:    c.used,
			Username: k.public,
			Password: private.Reveal(),
		})
		if err == nil {
			authorization = signed.String()
		}
	})
	return authorization, err
}

func (k *APIKey) take() *challenge {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.free) == 0 {
		return nil
	}
	last := k.free[len(k.free)-1]
	k.free = k.free[:len(k.free)-1]
	return last
}

func (k *APIKey) put(c *challenge) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.free) < keptChallenges {
		k.free = append(k.free, c)
	}
}

// isAnswered reports whether err is an answer with an HTTP status.
func isAnswered(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Status != 0
}
