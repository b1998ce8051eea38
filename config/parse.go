package config

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
)

// most is the longest a refresh or a discovery may be put off: values older than that would look like a fault.
const most = 15 * time.Minute

// Parse reads, defaults and validates a configuration.
func Parse(raw []byte, declared []Collector) (Config, error) {
	c := Default(declared)
	decoder := yaml.NewDecoder(strings.NewReader(string(raw)))
	var document yaml.Node
	switch err := decoder.Decode(&document); {
	case errors.Is(err, io.EOF):
		return c, nil // nothing but comments
	case err != nil:
		return Config{}, syntaxError(err)
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return Config{}, errors.New("more than one YAML document: keep one")
	}
	root := document.Content[0]
	if err := c.keys().read(root); err != nil {
		return Config{}, err
	}
	if err := c.validate(root); err != nil {
		return Config{}, err
	}
	if n := find(root, "collectors"); n != nil && c.Collectors.Check() != nil {
		c.Collectors.line = n.Line
	}
	return c, nil
}

// quoted is the part of a YAML parser's message that may repeat the file's text, and so a secret.
var quoted = regexp.MustCompile("`[^`]*`|'[^']{2,}'")

func syntaxError(err error) error {
	return fmt.Errorf("not YAML: %s", HideValues(strings.TrimPrefix(err.Error(), "yaml: ")))
}

// HideValues returns a YAML parser's message without what it repeats of the file.
func HideValues(message string) string { return quoted.ReplaceAllString(message, "…") }

func (c *Config) keys() keys {
	return keys{
		"atlas":    c.Atlas.keys().read,
		"projects": c.readProjects,
		"discovery": keys{
			"projects":  filter(&c.Discovery.Projects),
			"clusters":  filter(&c.Discovery.Clusters),
			"pipelines": filter(&c.Discovery.Pipelines),
		}.read,
		"collectors": c.Collectors.keys().read,
		"refresh": keys{
			"min_interval":       duration(&c.Refresh.MinInterval, 0, most),
			"discovery_interval": duration(&c.Refresh.DiscoveryInterval, time.Second, most),
			"relist_interval":    duration(&c.Refresh.RelistInterval, time.Second, 0),
		}.read,
	}
}

func (a *Atlas) keys() keys {
	return keys{
		"base_url": func(n *yaml.Node) error {
			if err := text(&a.BaseURL)(n); err != nil {
				return err
			}
			_, err := parseBaseURL(a.BaseURL, true) // whether plain http is allowed may stand further down
			return err
		},
		"service_account":         a.readServiceAccount,
		"api_key":                 a.readAPIKey,
		"max_concurrent_requests": integer(&a.MaxConcurrentRequests, 1, 256),
		"request_timeout":         duration(&a.RequestTimeout, time.Millisecond, 10*time.Minute),
		"max_retries":             integer(&a.MaxRetries, 0, 10),
		"allow_insecure_http":     boolean(&a.AllowInsecureHTTP),
	}
}

func (a *Atlas) readServiceAccount(n *yaml.Node) error {
	var s ServiceAccount
	err := keys{
		"client_id":          text(&s.ClientID),
		"client_secret":      text(&s.ClientSecret),
		"client_secret_file": text(&s.ClientSecretFile),
	}.read(n)
	if err != nil {
		return err
	}
	a.ServiceAccount = &s
	return needs(s.ClientID, "client_id", s.ClientSecret, "client_secret", s.ClientSecretFile)
}

func (a *Atlas) readAPIKey(n *yaml.Node) error {
	var k APIKey
	err := keys{
		"public_key":       text(&k.PublicKey),
		"private_key":      text(&k.PrivateKey),
		"private_key_file": text(&k.PrivateKeyFile),
	}.read(n)
	if err != nil {
		return err
	}
	a.APIKey = &k
	return needs(k.PublicKey, "public_key", k.PrivateKey, "private_key", k.PrivateKeyFile)
}

func needs(id, idKey string, secret atlasapi.Secret, secretKey, secretFile string) error {
	switch {
	case id == "":
		return fmt.Errorf("%s is missing", idKey)
	case secret == "" && secretFile == "":
		return fmt.Errorf("the secret is missing: set %s_file (or %s)", secretKey, secretKey)
	case secret != "" && secretFile != "":
		return fmt.Errorf("%s and %s_file are both set: keep one", secretKey, secretKey)
	}
	return nil
}

func (c *Config) readProjects(n *yaml.Node) error {
	return list(n, func(entry *yaml.Node) error {
		var p Project
		err := keys{
			"id":        projectID(&p.ID),
			"clusters":  filter(&p.Clusters),
			"pipelines": filter(&p.Pipelines),
		}.read(entry)
		switch {
		case err != nil:
			return err
		case p.ID == "":
			return errors.New("id is missing")
		case slices.ContainsFunc(c.Projects, func(other Project) bool { return other.ID == p.ID }):
			return fmt.Errorf("project %s stands twice", p.ID)
		}
		c.Projects = append(c.Projects, p)
		return nil
	})
}

func projectID(into *string) func(*yaml.Node) error {
	return func(n *yaml.Node) error {
		if err := text(into)(n); err != nil {
			return err
		}
		if _, err := atlasapi.ParseObjectID(*into); err != nil {
			return errors.New("not a project id: it is 24 digits of 0-9 and a-f, as in the project's settings in Atlas")
		}
		return nil
	}
}

// validate finds what no single key shows.
func (c *Config) validate(root *yaml.Node) error {
	if c.Atlas.ServiceAccount != nil && c.Atlas.APIKey != nil {
		return at(find(root, "atlas", "api_key"), "atlas.api_key", errors.New("atlas.service_account is set too: keep one"))
	}
	if c.Atlas.BaseURL != "" {
		_, err := parseBaseURL(c.Atlas.BaseURL, c.Atlas.AllowInsecureHTTP)
		if err := at(find(root, "atlas", "base_url"), "atlas.base_url", err); err != nil {
			return err
		}
	}
	for i, p := range c.Projects {
		if matchAny(c.Discovery.Projects.Exclude, []string{p.ID}) {
			named, excluded := resolve(find(root, "projects")).Content[i], find(root, "discovery", "projects", "exclude")
			return at(named, fmt.Sprintf("projects[%d]", i),
				fmt.Errorf("project %s is named here, and excluded by discovery.projects.exclude in line %d: keep one", p.ID, excluded.Line))
		}
	}
	return nil
}

// find returns the node at a path of keys, nil where there is none.
func find(n *yaml.Node, path ...string) *yaml.Node {
	for _, key := range path {
		n = resolve(n)
		next := -1
		for i := 0; i+1 < len(n.Content); i += 2 {
			if resolve(n.Content[i]).Value == key {
				next = i + 1
			}
		}
		if next < 0 {
			return nil
		}
		n = n.Content[next]
	}
	return n
}
