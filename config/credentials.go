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
		case !errors.Is(err, ErrNoCredentials):
			return c, err
		case a.files == nil:
			return Credentials{}, fmt.Errorf("%w, and no --config.file: write atlas.service_account or atlas.api_key into a file "+
				"and name it with this flag, or %s", ErrNoCredentials, setBoth)
		}
		return Credentials{}, fmt.Errorf("%w: set atlas.service_account or atlas.api_key in the configuration file, or %s",
			ErrNoCredentials, setBoth)
	}
	if err != nil {
		return Credentials{}, err
	}
	return c, nil
}

// ErrNoCredentials means that neither the configuration nor the environment has credentials.
var ErrNoCredentials = errors.New("no credentials")

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
	return Credentials{}, ErrNoCredentials
}

func pairFromEnvironment(
	getenv func(string) string, idName string, idKind credentialKind, secretName string, secretKind credentialKind,
) (Credentials, error) {
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

// SecretFileError says why a secret file cannot be used.
type SecretFileError struct {
	// Remedy says what to do, with the path or the key.
	Remedy string

	key, problem string
	cause        error // of the file's reading, nil if its content is wrong
}

// Error returns the key and the problem. It never quotes the file.
func (e *SecretFileError) Error() string { return e.key + ": " + e.problem }

// Unwrap returns the error of the file's reading, nil if there is none.
func (e *SecretFileError) Unwrap() error { return e.cause }

// readSecret returns the secret in the file that a key names.
func (a *Atlas) readSecret(ctx context.Context, key, path string, kind credentialKind) (atlasapi.Secret, error) {
	raw, failure := a.reader().Read(ctx, path)
	refuse := func(problem, remedy string) (atlasapi.Secret, error) {
		return "", &SecretFileError{key: key, problem: problem, cause: failure, Remedy: remedy}
	}
	switch {
	case errors.Is(failure, fs.ErrNotExist) && strings.Contains(path, "$"):
		return refuse("there is no file "+path+": the exporter expands no variables, so write the path out",
			"write out the path in "+key+": "+path)
	case errors.Is(failure, fs.ErrNotExist):
		return refuse("there is no file "+path+": create it with the secret as its only content",
			"create "+path+" with the secret as its only content, or correct "+key)
	case errors.Is(failure, fs.ErrPermission):
		return refuse(path+" may not be read by this user: give it read permission", "give this user read permission for "+path)
	case failure != nil:
		return refuse(failure.Error(), "name a file that can be read in "+key+", instead of "+path)
	}
	secret, err := kind.clean(string(raw))
	switch {
	case err != nil:
		return refuse(path+" "+err.Error(), "write the secret, and nothing else, into "+path)
	case secret == "":
		return refuse(path+" is empty: it must contain only the secret", "write the secret, and nothing else, into "+path)
	}
	return atlasapi.Secret(secret), nil
}
