// Package config is the exporter's configuration: a pure value, read from strict YAML, defaulted and validated.
// Secrets are resolved apart, by Credentials, because files and the environment change without it.
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

// DefaultBaseURL is where Atlas is, but for Atlas for Government.
const DefaultBaseURL = "https://cloud.mongodb.com"

// Config is a whole configuration. Default returns one to start from.
type Config struct {
	Atlas      Atlas
	Projects   []Project
	Discovery  Discovery
	Collectors Collectors
	Refresh    Refresh

	path string // of the file that it was read from, "" where there is none
}

// Atlas says where Atlas is and how to ask.
type Atlas struct {
	BaseURL               string // "" where the file has none
	ServiceAccount        *ServiceAccount
	APIKey                *APIKey
	MaxConcurrentRequests int
	RequestTimeout        time.Duration
	MaxRetries            int
	AllowInsecureHTTP     bool

	files fileReader // reads the secret file; nil is a Reader of its own
}

// ServiceAccount names OAuth 2.0 client credentials. One of the secret and its file is set.
type ServiceAccount struct {
	ClientID         string
	ClientSecret     atlasapi.Secret
	ClientSecretFile string
}

// APIKey names a programmatic API key. One of the private key and its file is set.
type APIKey struct {
	PublicKey      string
	PrivateKey     atlasapi.Secret
	PrivateKeyFile string
}

// Project is a project that is read by its id.
type Project struct {
	ID        string
	Clusters  Filter
	Pipelines Filter
}

// Discovery filters what is found, in every project.
type Discovery struct {
	Projects  Filter
	Clusters  Filter
	Pipelines Filter
}

// ExpectedInterval says how often a successful export of some clusters is expected.
type ExpectedInterval struct {
	GroupID  string // "" is every project
	Clusters Pattern
	Interval time.Duration // 0 expects nothing
}

// Refresh says how old what is shown may be.
type Refresh struct {
	MinInterval       time.Duration
	DiscoveryInterval time.Duration
	RelistInterval    time.Duration
}

// Default returns the configuration of an empty file, in which every declared collector is enabled.
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

// MinInterval returns how old the values of a collector may be before a scrape reads them again: the collector's own
// min_interval, else the longer of its declared default and refresh.min_interval.
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

// URL returns the address of Atlas: the file's base_url, else the environment's, else MongoDB's own. A URL that would
// send credentials in the clear is an error.
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

// apiPath is the part of the API's URL that users copy along with its host.
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
	u = u.JoinPath() // without the slashes that are too many
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
