package atlasapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"

	"github.com/icholy/digest"
)

// APIKey signs requests by HTTP digest with a public and a private key.
//
// A challenge of the server is used again, so that a request costs one round trip and not two. Each challenge serves
// one request at a time: its count then rises in the order in which the server sees it, which every known policy of
// servers accepts.
type APIKey struct {
	public  string
	private Secret

	mu   sync.Mutex
	free []*challenge
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

// Format shows the public key alone, whatever the verb.
func (k *APIKey) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, "API key ", k.public) }

func (k *APIKey) secrets() []Secret { return []Secret{k.private} }

func (k *APIKey) authorize(_ context.Context, _ *Client, r *request, send sendFunc) (*answer, error) {
	current, fresh := k.take(), false
	for {
		authorization, err := k.sign(current, r)
		if err != nil {
			return nil, &Error{Endpoint: r.op.name, Kind: KindBadResponse, Err: err}
		}
		answered, err := send(authorization)
		refused := refusal(err)
		// Without an answered challenge a 401 says nothing yet; with one, its code may say that a role is missing.
		if refused == nil || current != nil && refused.Kind != KindUnauthorized {
			if current != nil && (err == nil || isAnswered(err)) {
				k.put(current)
			}
			return answered, err
		}
		if fresh {
			return nil, err // it answered a challenge made for it: the key itself is wrong
		}
		parsed, parseErr := digest.FindChallenge(http.Header{"Www-Authenticate": refused.challenges})
		if parseErr != nil || !digest.CanDigest(parsed) {
			refused.Err = errors.New("the answer offers no digest authentication")
			return nil, refused
		}
		current, fresh = &challenge{parsed: parsed}, true
	}
}

func (k *APIKey) sign(c *challenge, r *request) (string, error) {
	if c == nil {
		return "", nil
	}
	c.used++
	signed, err := digest.Digest(c.parsed, digest.Options{
		Method:   r.method,
		URI:      r.url.RequestURI(),
		Count:    c.used,
		Username: k.public,
		Password: k.private.Reveal(),
	})
	if err != nil {
		return "", err
	}
	return signed.String(), nil
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

// isAnswered reports whether err came with an HTTP status.
func isAnswered(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Status != 0
}
