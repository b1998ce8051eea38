package config

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
)

// The environment variables for the credentials and the base URL, if the file has none.
const (
	envClientID     = "MONGODB_ATLAS_CLIENT_ID"
	envClientSecret = "MONGODB_ATLAS_CLIENT_SECRET"
	envPublicKey    = "MONGODB_ATLAS_PUBLIC_KEY"
	envPrivateKey   = "MONGODB_ATLAS_PRIVATE_KEY"
	envBaseURL      = "MONGODB_ATLAS_BASE_URL"
)

// Credentials are a service account or an API key, with the secret. They are comparable, so that a reload can see
// whether they changed.
type Credentials struct {
	// ServiceAccount is true for OAuth 2.0 client credentials, false for an API key.
	ServiceAccount bool
	// ID is the client id or the public key.
	ID     string
	Secret atlasapi.Secret
	// Source says where the credentials come from, for messages.
	Source string
}

// Kind names the kind of the credentials, for messages.
func (c Credentials) Kind() string {
	if c.ServiceAccount {
		return "service account"
	}
	return "API key"
}

// Credentials reads the credentials: from the configuration and the secret file that it names, else from the
// environment. The context bounds the reading of the file.
func (a *Atlas) Credentials(ctx context.Context, getenv func(string) string) (Credentials, error) {
	c := Credentials{Source: "the configuration file"}
	var err error
	switch {
	case a.ServiceAccount != nil:
		c.ServiceAccount, c.ID, c.Secret = true, a.ServiceAccount.ClientID, a.ServiceAccount.ClientSecret
		if path := a.ServiceAccount.ClientSecretFile; path != "" {
			c.Secret, err = a.readSecret(ctx, "atlas.service_account.client_secret_file", path, clientSecret)
		}
	case a.APIKey != nil:
		c.ID, c.Secret = a.APIKey.PublicKey, a.APIKey.PrivateKey
		if path := a.APIKey.PrivateKeyFile; path != "" {
			c.Secret, err = a.readSecret(ctx, "atlas.api_key.private_key_file", path, privateKey)
		}
	default:
		c, err = credentialsFromEnvironment(getenv)
		switch {
		case !errors.Is(err, errNoCredentials):
			return c, err
		case a.files == nil:
			return Credentials{}, fmt.Errorf("%w, and no --config.file: write atlas.service_account or atlas.api_key into a file and name it with this flag, or %s",
				errNoCredentials, setBoth)
		}
		return Credentials{}, fmt.Errorf("%w: set atlas.service_account or atlas.api_key in the configuration file, or %s", errNoCredentials, setBoth)
	}
	if err != nil {
		return Credentials{}, err
	}
	return c, nil
}

var errNoCredentials = errors.New("no credentials")

const setBoth = "set " + envClientID + " and " + envClientSecret + " in the environment"

func credentialsFromEnvironment(getenv func(string) string) (Credentials, error) {
	account, accountErr := pairFromEnvironment(getenv, envClientID, clientID, envClientSecret, clientSecret)
	key, keyErr := pairFromEnvironment(getenv, envPublicKey, publicKey, envPrivateKey, privateKey)
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
	return Credentials{}, errNoCredentials
}

func pairFromEnvironment(getenv func(string) string, idName string, idKind credentialKind, secretName string, secretKind credentialKind) (Credentials, error) {
	id, err := idKind.clean(getenv(idName))
	if err != nil {
		return Credentials{}, fmt.Errorf("%s %w", idName, err)
	}
	secret, err := secretKind.clean(getenv(secretName))
	switch {
	case err != nil:
		return Credentials{}, fmt.Errorf("%s %w", secretName, err)
	case id != "" && secret == "":
		return Credentials{}, fmt.Errorf("%s is set but %s is not: set both", idName, secretName)
	case id == "" && secret != "":
		return Credentials{}, fmt.Errorf("%s is set but %s is not: set both", secretName, idName)
	}
	return Credentials{ID: id, Secret: atlasapi.Secret(secret), Source: "the environment"}, nil
}

// readSecret returns the secret in the file that a key names.
func (a *Atlas) readSecret(ctx context.Context, key, path string, kind credentialKind) (atlasapi.Secret, error) {
	files := a.files
	if files == nil {
		files = new(Reader)
	}
	raw, err := files.read(ctx, path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && strings.Contains(path, "$"):
		return "", fmt.Errorf("%s: there is no file %s: the exporter expands no variables, so write the path out", key, path)
	case errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("%s: there is no file %s: create it with the secret as its only content", key, path)
	case errors.Is(err, fs.ErrPermission):
		return "", fmt.Errorf("%s: %s may not be read by this user: give it read permission", key, path)
	case err != nil:
		return "", fmt.Errorf("%s: %w", key, err)
	}
	secret, err := kind.clean(string(raw))
	switch {
	case err != nil:
		return "", fmt.Errorf("%s: %s %w", key, path, err)
	case secret == "":
		return "", fmt.Errorf("%s: %s is empty: it must contain only the secret", key, path)
	}
	return atlasapi.Secret(secret), nil
}
