package atlassim

import (
	"crypto/rand"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Role is what a credential may do in every visible project.
type Role int

// The roles. Each includes the one before it. The zero value may do everything.
const (
	// ProjectReadOnly reads everything except backup exports and restores.
	ProjectReadOnly Role = iota - 2
	// ProjectBackupManager reads everything.
	ProjectBackupManager
	// ProjectOwner also triggers ingestions of pipelines.
	ProjectOwner
)

// ServiceAccount is a credential for OAuth 2.0 client credentials.
type ServiceAccount struct {
	ClientID, ClientSecret string
	Role                   Role
}

// NewServiceAccount returns a new service account with random credentials that may read everything.
func NewServiceAccount() ServiceAccount {
	return ServiceAccount{
		ClientID: "mdb_sa_id_" + rand.Text(), ClientSecret: "mdb_sa_sk_" + rand.Text(), Role: ProjectBackupManager,
	}
}

// APIKey is a credential for HTTP digest authentication.
type APIKey struct {
	PublicKey, PrivateKey string
	Role                  Role
}

// principal is an authenticated credential.
type principal struct {
	name string
	role Role
}

// access has the credentials, and the tokens and nonces that were issued to them.
type access struct {
	digest        DigestPolicy
	tokenLifetime time.Duration
	tokenLimit    int

	mu       sync.Mutex
	accounts map[string]ServiceAccount
	keys     map[string]APIKey
	tokens   map[string]token
	mints    int
	nonces   map[string]*nonce
	issued   []string // nonces in the order in which they were issued
}

func newAccess(options Options) *access {
	a := &access{
		digest: options.Digest, tokenLifetime: options.TokenLifetime, tokenLimit: options.TokenLimit,
		accounts: map[string]ServiceAccount{}, keys: map[string]APIKey{},
		tokens: map[string]token{}, nonces: map[string]*nonce{},
	}
	if a.tokenLifetime == 0 {
		a.tokenLifetime = time.Hour
	}
	if a.tokenLimit == 0 {
		a.tokenLimit = 100
	}
	for _, account := range options.ServiceAccounts {
		a.accounts[account.ClientID] = account
	}
	for _, key := range options.APIKeys {
		a.keys[key.PublicKey] = key
	}
	return a
}

// authenticate returns who sent a request, or the answer with a challenge if the request is not authenticated.
func (a *access) authenticate(r *http.Request, now time.Time) (principal, *reply) {
	a.mu.Lock()
	defer a.mu.Unlock()
	scheme, credentials, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	switch {
	case strings.EqualFold(scheme, "Bearer"):
		if who, ok := a.bearer(strings.TrimSpace(credentials), now); ok {
			return who, nil
		}
	case strings.EqualFold(scheme, "Digest"):
		if who, ok := a.answered(r, credentials, now); ok {
			return who, nil
		}
	}
	return principal{}, a.challenge(now)
}

// AllowServiceAccount adds a service account, or changes its secret or role.
func (s *Server) AllowServiceAccount(account ServiceAccount) {
	s.access.mu.Lock()
	defer s.access.mu.Unlock()
	s.access.accounts[account.ClientID] = account
}

// AllowAPIKey adds an API key, or changes its private key or role.
func (s *Server) AllowAPIKey(key APIKey) {
	s.access.mu.Lock()
	defer s.access.mu.Unlock()
	s.access.keys[key.PublicKey] = key
}

// Deny removes a credential (a client id or a public key) and its tokens.
func (s *Server) Deny(name string) {
	s.access.mu.Lock()
	defer s.access.mu.Unlock()
	delete(s.access.accounts, name)
	delete(s.access.keys, name)
	for text, t := range s.access.tokens {
		if t.account == name {
			delete(s.access.tokens, text)
		}
	}
}
