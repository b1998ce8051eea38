package atlasapi

import (
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestAPIKeyInFIPSMode signs in by API key where everything but what FIPS 140 approves panics.
func TestAPIKeyInFIPSMode(t *testing.T) {
	t.Parallel()
	const mode = "fips140=only"
	if os.Getenv("GODEBUG") != mode {
		command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
		command.Env = append(os.Environ(), "GODEBUG="+mode)
		if output, err := command.CombinedOutput(); err != nil || !strings.Contains(string(output), "signed in") {
			t.Errorf("%v\n%s", err, output)
		}
		return
	}
	c := clientOn(t, Options{}, func(req *http.Request) *http.Response {
		if req.Header.Get("Authorization") == "" {
			challenge := `Digest realm="MMS Public API", domain="", nonce="n", algorithm=MD5, qop="auth", stale=false`
			return answering(http.StatusUnauthorized, http.Header{"Www-Authenticate": {challenge}}, nil)
		}
		return answering(http.StatusOK, nil, []byte(`{"results":[]}`))
	})
	if _, err := c.Projects().Page(t.Context(), 1, 1); err != nil {
		t.Fatal(err)
	}
	t.Log("signed in")
}
