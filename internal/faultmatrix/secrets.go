package faultmatrix

import (
	"bytes"
	"encoding/base64"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
)

// guard knows what must never show in anything that the exporter lets out.
type guard struct{ needles map[string][]byte }

// longestNeedle is the length of the part of a log that is searched again with what follows it.
const longestNeedle = 256

// tokenPrefix begins every token that the simulated Atlas mints.
const tokenPrefix = "simulated-token-"

func newGuard(account atlassim.ServiceAccount, key atlassim.APIKey) *guard {
	return &guard{map[string][]byte{
		"the client secret":           []byte(account.ClientSecret),
		"the client secret in base64": []byte(base64.StdEncoding.EncodeToString([]byte(account.ClientID + ":" + account.ClientSecret))),
		"the private key":             []byte(key.PrivateKey),
		"an access token":             []byte(tokenPrefix),
		"the address of a download":   []byte(downloadMarker),
	}}
}

// search names the secrets that a text contains, and the signs of a crash.
func (g *guard) search(where string, text []byte) []string {
	var found []string
	for what, needle := range g.needles {
		if bytes.Contains(text, needle) {
			found = append(found, where+" shows "+what)
		}
	}
	for _, sign := range []string{"panic: ", "fatal error:", "DATA RACE"} {
		if bytes.Contains(text, []byte(sign)) {
			found = append(found, where+" shows "+sign)
		}
	}
	return found
}
