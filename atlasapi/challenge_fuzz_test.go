package atlasapi

import (
	"crypto/md5"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// digestHash returns the hash of an algorithm of RFC 7616, or nil if there is none of that name.
func digestHash(algorithm string) func(parts ...string) string {
	var fresh func() hash.Hash
	switch strings.ToUpper(algorithm) {
	case "", "MD5":
		fresh = md5.New
	case "SHA-256":
		fresh = sha256.New
	case "SHA-512":
		fresh = sha512.New
	case "SHA-512-256":
		fresh = sha512.New512_256
	default:
		return nil
	}
	return func(parts ...string) string {
		h := fresh()
		_, _ = h.Write([]byte(strings.Join(parts, ":")))
		return hex.EncodeToString(h.Sum(nil))
	}
}

// challengeReader parses challenges and their answers.
type challengeReader struct{ whole, part *regexp.Regexp }

func newChallengeReader() challengeReader {
	const part = ` *([A-Za-z0-9-]+) *= *(?:"([^"\\]*)"|([A-Za-z0-9-]*)) *`
	return challengeReader{regexp.MustCompile(`^(?i:Digest) (?:` + part + `,)*` + part + `$`), regexp.MustCompile(part)}
}

// read returns the parameters of a header. plain is false if it is not a single challenge or answer in printable ASCII, or if
// a parameter occurs twice.
func (c challengeReader) read(header string) (parameters map[string]string, plain bool) {
	if !c.whole.MatchString(header) || strings.ContainsFunc(header, func(r rune) bool { return r < ' ' || r > '~' }) {
		return nil, false
	}
	parameters = map[string]string{}
	for _, p := range c.part.FindAllStringSubmatch(header[len("Digest "):], -1) {
		if _, twice := parameters[p[1]]; twice {
			return nil, false
		}
		parameters[p[1]] = p[2] + p[3]
	}
	return parameters, true
}

// FuzzChallenge challenges a request with one or two WWW-Authenticate headers. Nothing of the private key may be sent or
// shown, a challenge is answered once, and a challenge in plain notation must be answered as RFC 7616 requires, with an
// increasing count when it is used again.
func FuzzChallenge(f *testing.F) {
	const atlas = `Digest realm="MMS Public API", domain="", nonce="89FU+zZ06zgKynmobMhdFzhWpORw6cYM", algorithm=MD5, qop="auth", stale=false`
	for _, seed := range [][3]string{
		{atlas, "", "cluster0"},
		{"Basic realm=\"x\"", atlas, "a b?c#d%e/é"},
		{atlas, `Digest nonce="other"`, ".."},
		{"", "", "cluster0"},
		{`Digest realm="r", nonce="n"`, "", "c"},
		{`Digest realm="r", nonce="n", qop="auth,auth-int", algorithm=SHA-256, opaque="o"`, "", "c"},
		{`Digest realm="r", nonce="n", qop="auth-int", algorithm=SHA-512-256`, "", "c"},
		{`Digest realm="r", nonce="n", qop="auth, auth-int", algorithm=SHA-512`, "", "c"},
		{`Digest realm="r", nonce="n", algorithm=MD5-sess, qop="auth"`, "", "c"},
		{`Digest realm="r", nonce="n", qop="token"`, "", "c"},
		{`Digest realm="r", nonce="n", userhash=true, charset=UTF-8, algorithm=SHA-256, qop="auth"`, "", "c"},
		{`digest nonce=n,realm=`, "", "c"},
		{`Digest realm="a\"b\\c", nonce="` + "\x01\xff\r\n" + `", qop=auth`, "", "c"},
		{`Digest realm="r`, "", "c"},
		{"Digest ", "Digest", "c"},
		{`Digest realm="é☃", nonce="", opaque="\`, `Negotiate`, "c"},
		{`Digest realm="r", nonce="n", nonce="m", qop=""`, "", "c"},
		{"Digest ,,,", "Digest =", "c"},
		{`Digest realm="` + fuzzedKey + `", nonce="n"`, "", "c"},
		{`Basic realm="x", Digest realm="r", nonce="n"`, "", "c"},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	reader := newChallengeReader()
	var respond func(*http.Request) *http.Response
	client := clientOn(f, Options{}, func(req *http.Request) *http.Response { return respond(req) })
	f.Fuzz(func(t *testing.T, first, second, cluster string) {
		challenges := []string{first, second}
		header := http.Header{"Www-Authenticate": challenges}
		client.credentials, client.limits = NewAPIKey("abcdefgh", fuzzedKey), NewLimits()
		var requests []*http.Request
		respond = func(req *http.Request) *http.Response {
			requests = append(requests, req)
			if req.Header.Get("Authorization") == "" {
				return answering(http.StatusUnauthorized, header, nil)
			}
			return answering(http.StatusOK, nil, []byte(`{"results":[]}`))
		}
		given := strings.Contains(first+second, fuzzedKey)
		list := client.ExportJobs(fuzzedGroup, cluster)
		for count := 1; count <= 2; count++ {
			requests = nil
			_, err := list.Page(t.Context(), count, 1)
			if err != nil {
				failure, ok := errors.AsType[*Error](err)
				if !ok || strings.Contains(fmt.Sprintf("%v", err), fuzzedKey) && !given {
					t.Fatalf("%v", err)
				}
				if failure.Kind != KindUnauthorized && failure.Kind != KindNetwork || len(requests) > 1 {
					t.Errorf("%d requests: %v", len(requests), err)
				}
			}
			if want := 3 - count; err == nil && len(requests) != want {
				t.Errorf("%d requests, want %d", len(requests), want)
			}
			for _, req := range requests {
				if strings.Contains(req.Header.Get("Authorization"), fuzzedKey) && !given {
					t.Errorf("%q contains the private key", req.Header.Get("Authorization"))
				}
			}
			checkAnswered(t, reader, challenges, requests, err, count)
		}
		if kept := len(client.credentials.(*APIKey).free); kept > 1 {
			t.Errorf("%d challenges are kept", kept)
		}
	})
}

// checkAnswered compares the answer to the first supported challenge with a second implementation.
func checkAnswered(t *testing.T, reader challengeReader, challenges []string, requests []*http.Request, err error, count int) {
	t.Helper()
	var want map[string]string
	for _, challenge := range challenges {
		if !strings.HasPrefix(strings.ToLower(challenge), "digest ") {
			continue
		}
		parameters, plain := reader.read(challenge)
		if !plain {
			return
		}
		qops := strings.Split(parameters["qop"], ",")
		_, demanded := parameters["qop"]
		if digestHash(parameters["algorithm"]) == nil || demanded && !slices.Contains(qops, "auth") && !slices.Contains(qops, "auth-int") {
			continue
		}
		want = parameters
		break
	}
	if want == nil {
		if err == nil {
			t.Errorf("%q are answered, although that is impossible", challenges)
		}
		return
	}
	if err != nil {
		t.Errorf("%q: %v", challenges, err)
		return
	}
	req := requests[len(requests)-1]
	got, plain := reader.read(req.Header.Get("Authorization"))
	if !plain {
		t.Fatalf("%q is answered by %q", challenges, req.Header.Get("Authorization"))
	}
	h := digestHash(want["algorithm"])
	a1, a2 := h("abcdefgh", want["realm"], fuzzedKey), h(req.Method, req.URL.RequestURI())
	response, user := h(a1, want["nonce"], a2), "abcdefgh"
	if _, demanded := want["qop"]; demanded {
		if got["qop"] == "auth-int" {
			a2 = h(req.Method, req.URL.RequestURI(), h(""))
		}
		response = h(a1, want["nonce"], fmt.Sprintf("%08x", count), got["cnonce"], got["qop"], a2)
		if !slices.Contains(strings.Split(want["qop"], ","), got["qop"]) || len(got["cnonce"]) < 8 || got["nc"] != fmt.Sprintf("%08x", count) {
			t.Errorf("%q is answered by %q", challenges, got)
		}
	}
	if strings.EqualFold(want["userhash"], "true") {
		user = h(user, want["realm"])
	}
	if got["response"] != response || got["username"] != user || got["uri"] != req.URL.RequestURI() || got["nonce"] != want["nonce"] ||
		got["realm"] != want["realm"] || got["opaque"] != want["opaque"] || got["algorithm"] != want["algorithm"] {
		t.Errorf("%q is answered by %q, want the response %s", challenges, got, response)
	}
}
