package config

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
)

// The environment variables that credentials and the base URL come from where the file names none.
const (
	envClientID     = "MONGODB_ATLAS_CLIENT_ID"
	envClientSecret = "MONGODB_ATLAS_CLIENT_SECRET"
	envPublicKey    = "MONGODB_ATLAS_PUBLIC_KEY"
	envPrivateKey   = "MONGODB_ATLAS_PRIVATE_KEY"
	envBaseURL      = "MONGODB_ATLAS_BASE_URL"
)

// Credentials are the credentials of one kind, with their secret. They compare by value, so that a reload can tell
// whether they changed.
type Credentials struct {
	// ServiceAccount tells the kinds apart: OAuth 2.0 client credentials, else an API key.
	ServiceAccount bool
	// ID is the client id or the public key.
	ID     string
	Secret atlasapi.Secret
	// Source says where they come from, for messages.
	Source string
}

// Kind names the kind of the credentials, for messages.
func (c Credentials) Kind() string {
	if c.ServiceAccount {
		return "service account"
	}
	return "API key"
}

// Credentials reads the credentials: from the file and the secret files that it names, else from the environment.
func (a *Atlas) Credentials(ctx context.Context, getenv func(string) string) (Credentials, error) {
	if err := ctx.Err(); err != nil {
		return Credentials{}, err
	}
	switch {
	case a.ServiceAccount != nil:
		secret, err := readSecret("atlas.service_account.client_secret", a.ServiceAccount.ClientSecret, a.ServiceAccount.ClientSecretFile)
		return Credentials{ServiceAccount: true, ID: a.ServiceAccount.ClientID, Secret: secret, Source: "the configuration file"}, err
	case a.APIKey != nil:
		secret, err := readSecret("atlas.api_key.private_key", a.APIKey.PrivateKey, a.APIKey.PrivateKeyFile)
		return Credentials{ID: a.APIKey.PublicKey, Secret: secret, Source: "the configuration file"}, err
	}
	return credentialsFromEnvironment(getenv)
}

func credentialsFromEnvironment(getenv func(string) string) (Credentials, error) {
	account, accountErr := pairFromEnvironment(getenv, envClientID, envClientSecret)
	key, keyErr := pairFromEnvironment(getenv, envPublicKey, envPrivateKey)
	account.ServiceAccount = true
	switch {
	case accountErr != nil:
		return Credentials{}, accountErr
	case keyErr != nil:
		return Credentials{}, keyErr
	case account.ID != "" && key.ID != "":
		return Credentials{}, fmt.Errorf("two kinds of credentials in the environment: unset %s and %s, or %s and %s",
			envClientID, envClientSecret, envPublicKey, envPrivateKey)
	case account.ID != "":
		return account, nil
	case key.ID != "":
		return key, nil
	}
	return Credentials{}, fmt.Errorf("no credentials: set atlas.service_account or atlas.api_key in the configuration file, or %s and %s in the environment",
		envClientID, envClientSecret)
}

func pairFromEnvironment(getenv func(string) string, idName, secretName string) (Credentials, error) {
	id, secret := getenv(idName), getenv(secretName)
	switch {
	case id != "" && secret == "":
		return Credentials{}, fmt.Errorf("%s is set but %s is not: set both", idName, secretName)
	case id == "" && secret != "":
		return Credentials{}, fmt.Errorf("%s is set but %s is not: set both", secretName, idName)
	}
	return Credentials{ID: id, Secret: atlasapi.Secret(secret), Source: "the environment"}, nil
}

// readSecret returns the secret of a key, or reads the file that the key with the suffix _file names.
func readSecret(key string, inline atlasapi.Secret, path string) (atlasapi.Secret, error) {
	if path == "" {
		secret := strings.TrimSpace(inline.Reveal()) // a block of YAML ends in a newline
		if strings.ContainsAny(secret, "\r\n") {
			return "", fmt.Errorf("%s has more than one line: it should hold the secret alone", key)
		}
		return atlasapi.Secret(secret), nil
	}
	raw, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("%s_file: there is no file %s: create it with the secret as its only content", key, path)
	case errors.Is(err, fs.ErrPermission):
		return "", fmt.Errorf("%s_file: %s may not be read by this user: give it read permission", key, path)
	case err != nil:
		return "", fmt.Errorf("%s_file: %w", key, err)
	}
	secret := strings.TrimSpace(string(raw))
	switch {
	case secret == "":
		return "", fmt.Errorf("%s_file: %s is empty: it should hold the secret alone", key, path)
	case strings.ContainsAny(secret, "\r\n"):
		return "", fmt.Errorf("%s_file: %s has more than one line: it should hold the secret alone", key, path)
	}
	return atlasapi.Secret(secret), nil
}
