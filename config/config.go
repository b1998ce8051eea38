// Package config is the exporter's configuration: a pure value, read from strict YAML, defaulted and validated.
// Secrets are resolved apart, by Credentials, because files and the environment change without it.
package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
)

// The names of the job collectors, as in the configuration, flags and labels.
const (
	BackupExports  = "backup_exports"
	BackupRestores = "backup_restores"
	PipelineRuns   = "pipeline_runs"
)

// CollectorNames returns the names of the job collectors, in the order in which they are shown.
func CollectorNames() []string { return []string{BackupExports, BackupRestores, PipelineRuns} }

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

// Collectors says which collectors run.
type Collectors struct {
	BackupExports  BackupExportsCollector
	BackupRestores Collector
	PipelineRuns   Collector

	line int // where the file disables them all, else 0
}

// Collector is what every collector can be told.
type Collector struct{ Enabled bool }

// BackupExportsCollector adds how often an export is expected.
type BackupExportsCollector struct {
	Collector
	ExpectedIntervals []ExpectedInterval
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

// Default returns the configuration of an empty file.
func Default() Config {
	return Config{
		Atlas: Atlas{MaxConcurrentRequests: 8, RequestTimeout: 30 * time.Second, MaxRetries: 3},
		Collectors: Collectors{
			BackupExports:  BackupExportsCollector{Collector: Collector{Enabled: true}},
			BackupRestores: Collector{Enabled: true},
			PipelineRuns:   Collector{Enabled: true},
		},
		Refresh: Refresh{
			MinInterval:       30 * time.Second,
			DiscoveryInterval: 10 * time.Minute,
			RelistInterval:    6 * time.Hour,
		},
	}
}

// LoadFile reads, defaults and validates a configuration file.
func LoadFile(path string) (Config, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return Config{}, fmt.Errorf("cannot read the configuration: %w", err)
	}
	c, err := Parse(raw)
	if err != nil {
		return Config{}, fmt.Errorf("%s: %w", path, err)
	}
	c.path = path
	return c, nil
}

// Collector returns the switch of a collector by its name, or nil where there is none of that name.
func (c *Collectors) Collector(name string) *Collector {
	switch name {
	case BackupExports:
		return &c.BackupExports.Collector
	case BackupRestores:
		return &c.BackupRestores
	case PipelineRuns:
		return &c.PipelineRuns
	}
	return nil
}

// ExpectedInterval returns the interval that the first matching entry gives a cluster, and whether one matches. 0
// expects nothing.
func (c *BackupExportsCollector) ExpectedInterval(groupID, cluster string) (time.Duration, bool) {
	for _, e := range c.ExpectedIntervals {
		if (e.GroupID == "" || e.GroupID == groupID) && e.Clusters.Match(cluster) {
			return e.Interval, true
		}
	}
	return 0, false
}

// URL returns where Atlas is: the file's base_url, else the environment's, else MongoDB's own. A URL that would send
// credentials in the clear is an error.
func (a *Atlas) URL(getenv func(string) string) (*url.URL, error) {
	key, raw := "atlas.base_url", a.BaseURL
	if raw == "" {
		key, raw = envBaseURL, getenv(envBaseURL)
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
	return u, nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
