package atlasapi_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	kitlog "github.com/go-kit/log"
	"gopkg.in/yaml.v3"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
)

// showsSecret reports whether a text contains the secret, as it is or in one of the formats of verbs.
func showsSecret(text, secret string) bool {
	for _, form := range []string{secret, fmt.Sprintf("%x", secret), fmt.Sprintf("%X", secret), fmt.Sprintf("% x", secret), fmt.Sprintf("%d", []byte(secret))} {
		if strings.Contains(text, form) {
			return true
		}
	}
	return false
}

func TestSecretIsHidden(t *testing.T) {
	t.Parallel()
	const plain = "VeryPrivate"
	secret := atlasapi.Secret(plain)
	if secret.Reveal() != plain {
		t.Errorf("revealed as %q", secret.Reveal())
	}
	type nested struct {
		Name   string
		Secret atlasapi.Secret
		Many   []atlasapi.Secret
		Map    map[string]atlasapi.Secret
		Any    any
		Ptr    *atlasapi.Secret
	}
	value := nested{"n", secret, []atlasapi.Secret{secret}, map[string]atlasapi.Secret{"k": secret}, secret, &secret}
	for _, thing := range []any{secret, &secret, value, &value, []any{value}, fmt.Errorf("wrapped: %w, %v", errors.New("x"), secret)} {
		for _, verb := range []string{"%v", "%s", "%q", "%+v", "%#v", "%x", "%X", "% x", "%#x", "%#q", "%+q", "%10v", "%.3s", "%-20s", "%d", "%c", "%U", "%t"} {
			if got := fmt.Sprintf(verb, thing); showsSecret(got, plain) || strings.Contains(got, plain[:3]) {
				t.Errorf("%s of a %T is %q", verb, thing, got)
			}
		}
		for _, got := range []string{fmt.Sprint(thing), fmt.Sprintln(thing)} {
			if showsSecret(got, plain) {
				t.Errorf("a %T prints as %q", thing, got)
			}
		}
	}
	encoded, err := json.Marshal(value)
	if err != nil || showsSecret(string(encoded), plain) || !bytes.Contains(encoded, []byte(`"Secret":"`)) {
		t.Errorf("JSON: %s (%v)", encoded, err)
	}
	encoded, err = yaml.Marshal(value)
	if err != nil || showsSecret(string(encoded), plain) || !bytes.Contains(encoded, []byte("secret: ")) {
		t.Errorf("YAML: %s (%v)", encoded, err)
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("text", "secret", secret, "value", value)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("json", "secret", secret, "value", value)
	for _, logger := range []kitlog.Logger{kitlog.NewLogfmtLogger(&log), kitlog.NewJSONLogger(&log)} {
		for _, thing := range []any{secret, &secret, value.Many, value.Map, fmt.Errorf("wrapped: %v", secret)} {
			_ = logger.Log("secret", thing) // a value that cannot be encoded is an error, and is not printed
		}
	}
	if showsSecret(log.String(), plain) || !strings.Contains(log.String(), "\nsecret=<secret>\n") {
		t.Errorf("logged as %s", log.String())
	}
}

// TestCredentialsAreHidden checks that no way of printing shows a secret, tokens included.
func TestCredentialsAreHidden(t *testing.T) {
	t.Parallel()
	withEachScheme(t, func(w *world) {
		t := w.t
		w.mustReadProject(t)
		for _, thing := range []any{w.options.Credentials, w.options, &w.options, struct{ C any }{w.options.Credentials}} {
			for _, verb := range []string{"%v", "%+v", "%#v"} {
				got := fmt.Sprintf(verb, thing)
				for _, secret := range []string{clientSecret, privateKey, "simulated-token-"} {
					if showsSecret(got, secret) {
						t.Errorf("%s of a %T shows %q", verb, thing, secret)
					}
				}
			}
		}
	})
}
