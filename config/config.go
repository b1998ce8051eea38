// Package config reads the exporter's configuration from strict YAML, sets defaults and validates it. A Config is a
// value without side effects. Credentials resolves the secrets separately, because their files and the environment may
// change while the configuration does not.
package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
)

// DefaultBaseURL is the address of Atlas, except for Atlas for Government.
const DefaultBaseURL = "https://cloud.mongodb.com"

// Config is a whole configuration. Default returns one to start from.
type Config struct {
	Atlas      Atlas
	Projects   []Project
	Discovery  Discovery
	Collectors Collectors
	Refresh    Refresh

	path  string // of the file that the Config was read from, "" without one
	blank bool   // the file has no content
}

// Atlas is the section about the connection to Atlas.
type Atlas struct {
	BaseURL               string // "" if the file has none
	ServiceAccount        *ServiceAccount
	APIKey                *APIKey
	MaxConcurrentRequests int
	RequestTimeout        time.Duration
	MaxRetries            int
	AllowInsecureHTTP     bool

	files fileReader // reads the secret file; nil: there is no configuration file
}

// ServiceAccount holds OAuth 2.0 client credentials. Either the secret or its file is set.
type ServiceAccount struct {
	ClientID         string
	ClientSecret     atlasapi.Secret
	ClientSecretFile string
}

// APIKey holds a programmatic API key. Either the private key or its file is set.
type APIKey struct {
	PublicKey      string
	PrivateKey     atlasapi.Secret
	PrivateKeyFile string
}

// Project is a project that the configuration lists.
type Project struct {
	ID        string
	Clusters  Filter
	Pipelines Filter
}

// Discovery filters what the exporter discovers, in all projects.
type Discovery struct {
	Projects  Filter
	Clusters  Filter
	Pipelines Filter
}

// ExpectedInterval says how often a success is expected of some clusters.
type ExpectedInterval struct {
	GroupID  string // "" is every project
	Clusters Pattern
	Interval time.Duration // 0: nothing is expected
}

// Refresh says how old values may become.
type Refresh struct {
	MinInterval       time.Duration
	DiscoveryInterval time.Duration
	RelistInterval    time.Duration
}

// Default returns the configuration of an empty file. Every declared collector is enabled.
func Default(declared []Collector) Config {
	return Config{
		Atlas:      Atlas{MaxConcurrentRequests: 8, RequestTimeout: 30 * time.Second, MaxRetries: 3},
		Collectors: newCollectors(declared),
		Refresh: Refresh{
			MinInterval:       30 * time.Second,
			DiscoveryInterval: 10 * time.Minute,
			RelistInterval:    6 * time.Hour,
		},
	}
}

// MinInterval returns how old the values of a collector may become before a scrape reads them again. This is the
// collector's own min_interval if the file sets it, else the longer of its default and refresh.min_interval.
func (c *Config) MinInterval(name string) time.Duration {
	s := c.Collectors.settings(name)
	switch {
	case s == nil:
		return c.Refresh.MinInterval
	case s.minIntervalSet:
		return s.minInterval
	}
	return max(s.declared.MinInterval, c.Refresh.MinInterval)
}

// reader returns the Reader of the configuration file, a new one if there is no such file.
func (a *Atlas) reader() fileReader {
	if a.files == nil {
		return new(Reader)
	}
	return a.files
}

// URL returns the address of Atlas: base_url of the file, else MONGODB_ATLAS_BASE_URL, else DefaultBaseURL. A URL that
// would send credentials unencrypted is an error.
func (a *Atlas) URL(getenv func(string) string) (*url.URL, error) {
	key, raw := "atlas.base_url", a.BaseURL
	if raw == "" {
		key, raw = envBaseURL, strings.TrimSpace(getenv(envBaseURL))
	}
	if raw == "" {
		raw = DefaultBaseURL
	}
	u, err := parseBaseURL(raw, a.AllowInsecureHTTP)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", key, err)
	}
	return u, nil
}

// apiPath matches the end of an API URL that users often copy together with the host.
var apiPath = regexp.MustCompile(`/api/atlas(/v[0-9.]+)?$`)

func parseBaseURL(raw string, allowInsecure bool) (*url.URL, error) {
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http":
		return nil, errors.New("not a URL of a server: write it like " + DefaultBaseURL)
	case u.User != nil:
		return nil, errors.New("a URL with a user or password: credentials belong in service_account or api_key")
	case u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("a URL with a query or a fragment: write it like " + DefaultBaseURL)
	case u.Scheme == "http" && !allowInsecure && !isLoopback(u.Hostname()):
		return nil, errors.New("plain http would send credentials in the clear: use https, or set atlas.allow_insecure_http: true")
	}
	u = u.JoinPath() // removes duplicate slashes
	u.Path = strings.TrimRight(apiPath.ReplaceAllString(strings.TrimRight(u.Path, "/"), ""), "/")
	u.RawPath = ""
	if strings.Contains(u.Path+"/", "/api/atlas/") {
		return nil, errors.New("a URL of one of the API's resources: write the address of the server, like " + DefaultBaseURL)
	}
	return u, nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}
