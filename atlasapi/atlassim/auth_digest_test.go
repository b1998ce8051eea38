package atlassim_test

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"net/http"
	"regexp"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
)

var challengeForm = regexp.MustCompile(
	`^Digest realm="MMS Public API", domain="", nonce="([A-Za-z0-9+/=]{32})", algorithm=MD5, qop="auth", stale=false$`)

const digestPath = "/api/atlas/v2/groups?pageNum=1&itemsPerPage=5"

// digester answers challenges according to RFC 7616, and can get a part of it wrong on purpose.
type digester struct {
	client
	private string
	uri     string // instead of the true one
}

func sum(s string) string {
	h := md5.Sum([]byte(s))
	return hex.EncodeToString(h[:])
}

// challenge sends a request without credentials and returns the nonce.
func (d *digester) challenge() string {
	d.t.Helper()
	response, body := d.send(d.request(http.MethodGet, digestPath, nil))
	parts := challengeForm.FindStringSubmatch(response.Header.Get("WWW-Authenticate"))
	if response.StatusCode != http.StatusUnauthorized || parts == nil {
		d.t.Fatalf("challenge is %d %q", response.StatusCode, response.Header.Get("WWW-Authenticate"))
	}
	if response.Header.Get("X-Error-Code") != "" || response.Header.Get("RateLimit-Limit") != "" {
		d.t.Error("a challenge has neither an error code nor rate limits")
	}
	var answer map[string]any
	decode(d.t, body, &answer)
	if answer["error"] != 401.0 || answer["errorCode"] != nil {
		d.t.Errorf("challenge says %s", body)
	}
	return parts[1]
}

// try sends a request with an answer to a challenge.
func (d *digester) try(path, nonce string, count int) int {
	d.t.Helper()
	uri := path
	if d.uri != "" {
		uri = d.uri
	}
	nc := fmt.Sprintf("%08x", count)
	response := sum(sum("public:MMS Public API:"+d.private) + ":" + nonce + ":" + nc + ":cafe:auth:" + sum("GET:"+uri))
	request := d.request(http.MethodGet, path, nil)
	request.Header.Set("Authorization", fmt.Sprintf(`Digest username="public", realm="MMS Public API", nonce="%s", `+
		`uri="%s", algorithm=MD5, qop=auth, nc=%s, cnonce="cafe", response="%s"`, nonce, uri, nc, response))
	answer, _ := d.send(request)
	return answer.StatusCode
}

func TestDigest(t *testing.T) {
	clock, org, _, _ := small()
	const path = digestPath
	start := func(t *testing.T, policy atlassim.DigestPolicy) *digester {
		t.Helper()
		c := serve(t, org, atlassim.Options{
			Digest:  policy,
			APIKeys: []atlassim.APIKey{{PublicKey: "public", PrivateKey: "private"}},
		})
		return &digester{client: *c, private: "private"}
	}
	want := func(t *testing.T, d *digester, nonce string, count, status int) {
		t.Helper()
		if got := d.try(path, nonce, count); got != status {
			t.Errorf("nonce count %d answers %d, want %d", count, got, status)
		}
	}

	t.Run("reusable", func(t *testing.T) {
		d := start(t, atlassim.DigestPolicy{})
		nonce := d.challenge()
		for _, count := range []int{1, 2, 7, 3, 3} {
			want(t, d, nonce, count, http.StatusOK)
		}
		clock.Advance(24 * time.Hour)
		want(t, d, nonce, 8, http.StatusOK)
		if got := d.server.Count(atlassim.OpListProjects); got != 7 {
			t.Errorf("%d requests counted, want 7", got)
		}
		if got := d.server.Answered(atlassim.OpListProjects); got != 6 {
			t.Errorf("%d requests had signed in, want 6", got)
		}
	})
	t.Run("one-time", func(t *testing.T) {
		d := start(t, atlassim.DigestPolicy{Uses: 1})
		nonce := d.challenge()
		want(t, d, nonce, 1, http.StatusOK)
		want(t, d, nonce, 2, http.StatusUnauthorized)
		want(t, d, d.challenge(), 1, http.StatusOK)
	})
	t.Run("three uses", func(t *testing.T) {
		d := start(t, atlassim.DigestPolicy{Uses: 3})
		nonce := d.challenge()
		for count := 1; count <= 3; count++ {
			want(t, d, nonce, count, http.StatusOK)
		}
		want(t, d, nonce, 4, http.StatusUnauthorized)
	})
	t.Run("lifetime", func(t *testing.T) {
		d := start(t, atlassim.DigestPolicy{Lifetime: time.Minute})
		nonce := d.challenge()
		clock.Advance(59 * time.Second)
		want(t, d, nonce, 1, http.StatusOK)
		clock.Advance(time.Second)
		want(t, d, nonce, 2, http.StatusUnauthorized)
	})
	t.Run("rising count", func(t *testing.T) {
		d := start(t, atlassim.DigestPolicy{RisingCount: true})
		nonce := d.challenge()
		want(t, d, nonce, 1, http.StatusOK)
		want(t, d, nonce, 3, http.StatusOK)
		want(t, d, nonce, 3, http.StatusUnauthorized)
		want(t, d, nonce, 2, http.StatusUnauthorized)
		want(t, d, nonce, 4, http.StatusOK)
	})
	t.Run("wrong answers", func(t *testing.T) {
		d := start(t, atlassim.DigestPolicy{})
		nonce := d.challenge()
		want(t, d, "a nonce that was never issued", 1, http.StatusUnauthorized)
		want(t, d, nonce, 0, http.StatusUnauthorized)
		d.uri = "/api/atlas/v2/groups"
		want(t, d, nonce, 1, http.StatusUnauthorized)
		d.uri, d.private = "", "wrong"
		want(t, d, nonce, 1, http.StatusUnauthorized)
		d.private = "private"
		want(t, d, nonce, 1, http.StatusOK)
		d.server.Deny("public")
		want(t, d, nonce, 2, http.StatusUnauthorized)
	})
}
