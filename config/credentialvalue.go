package config

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"gopkg.in/yaml.v3"
)

// credentialKind says which part of the credentials a value is: an id or a secret, of a service account or an API key.
type credentialKind int

const (
	clientID credentialKind = iota
	clientSecret
	publicKey
	privateKey
)

// The prefixes of Atlas's client ids and client secrets.
const (
	idPrefix     = "mdb_sa_id_"
	secretPrefix = "mdb_sa_sk_"
)

// placeholder matches a placeholder that a template engine or a shell should have replaced.
var placeholder = regexp.MustCompile(`^\$\{.*\}$|^\$\(.*\)$|^\$[A-Za-z_][A-Za-z0-9_]*$|\{\{.*\}\}`)

// clean returns a credential without the white space and the byte order mark around it. Its errors say what is wrong
// with the value, never the value.
func (k credentialKind) clean(value string) (string, error) {
	if strings.HasPrefix(value, "\xFF\xFE") || strings.HasPrefix(value, "\xFE\xFF") {
		return "", errors.New("is in UTF-16: save it as UTF-8")
	}
	value = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(value), byteOrderMark))
	if strings.ContainsAny(value, "\r\n") {
		return "", errors.New("has more than one line: it must contain only the " + k.noun())
	}
	for i := range len(value) {
		switch c := value[i]; {
		case c == 0:
			return "", fmt.Errorf("has a NUL character at position %d: if it is in UTF-16, save it as UTF-8", i+1)
		case c < ' ' || c > '~':
			return "", fmt.Errorf("has a character at position %d that is not printable ASCII: copy it again from Atlas", i+1)
		}
	}
	switch {
	case placeholder.MatchString(value):
		return "", errors.New("is a placeholder that nothing replaced: the exporter expands no variables and no templates. " +
			k.remedy())
	case k == clientID && strings.HasPrefix(value, secretPrefix):
		return "", errors.New("is a client secret (" + secretPrefix + "…): it should be the client id (" + idPrefix + "…)")
	case k == clientSecret && strings.HasPrefix(value, idPrefix):
		return "", errors.New("is a client id (" + idPrefix + "…): it should be the client secret (" + secretPrefix + "…)")
	case k == publicKey && (strings.HasPrefix(value, idPrefix) || strings.HasPrefix(value, secretPrefix)):
		return "", errors.New("belongs to a service account, not to an API key: set service_account")
	}
	return value, nil
}

func (k credentialKind) noun() string {
	if k == clientID || k == publicKey {
		return "id"
	}
	return "secret"
}

// remedy says how to provide a secret without a placeholder.
func (k credentialKind) remedy() string {
	switch k {
	case clientSecret:
		return "Use client_secret_file, or " + envClientID + " and " + envClientSecret + " in the environment"
	case privateKey:
		return "Use private_key_file, or " + envPublicKey + " and " + envPrivateKey + " in the environment"
	case clientID:
		return "Write the client id, or use " + envClientID + " and " + envClientSecret + " in the environment"
	case publicKey:
		return "Write the public key, or use " + envPublicKey + " and " + envPrivateKey + " in the environment"
	}
	return ""
}

// credential reads a value of service_account or api_key.
func credential[S ~string](into *S, kind credentialKind) func(*yaml.Node) error {
	return func(n *yaml.Node) error {
		if m := resolve(n); m.Kind == yaml.MappingNode && len(m.Content) > 0 && m.Content[0].Kind == yaml.MappingNode {
			n = &yaml.Node{Kind: yaml.ScalarNode, Value: "{{}}"} // YAML reads {{ x }} without quotes as mappings
		}
		var value string
		if err := text(&value)(n); err != nil {
			return err
		}
		value, err := kind.clean(value)
		if err != nil {
			return fmt.Errorf("the value %w", err)
		}
		if value == "" { // only a byte order mark
			return errEmpty
		}
		*into = S(value)
		return nil
	}
}
