package atlassim

import (
	"crypto/md5" //nolint:gosec // the algorithm that Atlas asks for
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// DigestPolicy says how long a nonce is valid. It is not known what Atlas accepts, so a client must work under each
// policy. The zero value accepts a nonce for ever, with any nonce count.
type DigestPolicy struct {
	// Uses is the number of requests for which a nonce is valid: 1 makes it a one-time nonce, 0 sets no limit.
	Uses int
	// Lifetime is how long a nonce is valid by the organization's clock; 0 sets no limit.
	Lifetime time.Duration
	// RisingCount refuses a nonce count that is not greater than the last one seen with the nonce. Concurrent requests
	// of a client may arrive in another order.
	RisingCount bool
}

const (
	digestRealm = "MMS Public API"
	maxNonces   = 20000
)

// nonce is a challenge that was issued.
type nonce struct {
	issued    time.Time
	uses      int
	lastCount uint64
}

// challenge is Atlas's answer to a request that is not authenticated. A wrong key, an expired nonce and no credential
// at all get the same answer: "stale" is always false.
func (a *access) challenge(now time.Time) *reply {
	raw := make([]byte, 24)
	_, _ = rand.Read(raw) // never fails
	value := base64.StdEncoding.EncodeToString(raw)
	a.nonces[value] = &nonce{issued: now}
	a.issued = append(a.issued, value)
	if len(a.issued) > maxNonces {
		delete(a.nonces, a.issued[0])
		a.issued = a.issued[1:]
	}
	answer := failureBody(wireError{
		Error: http.StatusUnauthorized, Reason: http.StatusText(http.StatusUnauthorized),
		Detail: "You are not authorized for this resource.",
	})
	answer.header.Set("WWW-Authenticate", `Digest realm="`+digestRealm+`", domain="", nonce="`+value+
		`", algorithm=MD5, qop="auth", stale=false`)
	return &answer
}

// answered returns who answered a challenge correctly.
func (a *access) answered(r *http.Request, credentials string, now time.Time) (principal, bool) {
	given := digestParameters(credentials)
	key, known := a.keys[given["username"]]
	n := a.nonces[given["nonce"]]
	count, err := strconv.ParseUint(given["nc"], 16, 64)
	algorithm, named := given["algorithm"]
	switch {
	case !known, n == nil, err != nil, count == 0, len(given["nc"]) != 8:
		return principal{}, false
	case given["realm"] != digestRealm, given["qop"] != "auth", given["cnonce"] == "":
		return principal{}, false
	case named && !strings.EqualFold(algorithm, "MD5"):
		return principal{}, false
	case given["uri"] != requestURI(r):
		return principal{}, false
	}
	secret := md5Hex(key.PublicKey + ":" + digestRealm + ":" + key.PrivateKey)
	what := md5Hex(r.Method + ":" + given["uri"])
	expected := md5Hex(strings.Join([]string{secret, given["nonce"], given["nc"], given["cnonce"], "auth", what}, ":"))
	if subtle.ConstantTimeCompare([]byte(expected), []byte(given["response"])) != 1 {
		return principal{}, false
	}
	spent := a.digest.Uses > 0 && n.uses >= a.digest.Uses
	aged := a.digest.Lifetime > 0 && now.Sub(n.issued) >= a.digest.Lifetime
	if spent || aged || a.digest.RisingCount && count <= n.lastCount {
		return principal{}, false
	}
	n.uses++
	n.lastCount = max(n.lastCount, count)
	return principal{name: key.PublicKey, role: key.Role}, true
}

// requestURI returns the request target as it was sent.
func requestURI(r *http.Request) string {
	if r.RequestURI != "" {
		return r.RequestURI
	}
	return r.URL.RequestURI()
}

func md5Hex(s string) string {
	sum := md5.Sum([]byte(s)) //nolint:gosec // the algorithm that Atlas demands
	return hex.EncodeToString(sum[:])
}

// digestParameters parses the parameters of an Authorization header (RFC 9110, section 11.2). Of two with the same
// name, the first one counts.
func digestParameters(s string) map[string]string {
	parameters := map[string]string{}
	for s = strings.TrimLeft(s, " \t,"); s != ""; s = strings.TrimLeft(s, " \t,") {
		name, rest, ok := strings.Cut(s, "=")
		if !ok {
			return parameters
		}
		var value strings.Builder
		if strings.HasPrefix(rest, `"`) {
			i := 1
			for ; i < len(rest) && rest[i] != '"'; i++ {
				if rest[i] == '\\' && i+1 < len(rest) {
					i++
				}
				value.WriteByte(rest[i])
			}
			rest = rest[min(i+1, len(rest)):]
		} else {
			var plain string
			plain, rest, _ = strings.Cut(rest, ",")
			value.WriteString(strings.TrimSpace(plain))
		}
		name = strings.ToLower(strings.TrimSpace(name))
		if _, twice := parameters[name]; !twice {
			parameters[name] = value.String()
		}
		s = rest
	}
	return parameters
}
