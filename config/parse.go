package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
)

// maxInterval is the maximum of the intervals of refresh and discovery: older values would trigger the alert
// MongoDBAtlasDataStale.
const maxInterval = 15 * time.Minute

// Parse reads, defaults and validates a configuration. Its error, of the type Errors, lists all faults.
func Parse(raw []byte, declared []Collector) (Config, error) {
	c := Default(declared)
	root, err := document(raw)
	if err != nil {
		return Config{}, err
	}
	if root == nil {
		return c, nil
	}
	p := parser{config: &c}
	faults := at(root, "", p.keys().read(root))
	faults = append(faults, p.validate(root)...)
	if err := faults.orNil(); err != nil {
		return Config{}, err
	}
	if n := find(root, "collectors"); n != nil && c.Collectors.Check() != nil {
		c.Collectors.line = n.Line
	}
	return c, nil
}

// parser reads a configuration from a YAML document.
type parser struct {
	config   *Config
	projects []*yaml.Node // the nodes of config.Projects
}

func (p *parser) keys() keys {
	c := p.config
	return keys{
		"atlas":    c.Atlas.keys().read,
		"projects": p.readProjects,
		"discovery": keys{
			"projects":  filter(&c.Discovery.Projects),
			"clusters":  filter(&c.Discovery.Clusters),
			"pipelines": filter(&c.Discovery.Pipelines),
		}.read,
		"collectors": c.Collectors.keys().read,
		"refresh": keys{
			"min_interval":       duration(&c.Refresh.MinInterval, 0, maxInterval),
			"discovery_interval": duration(&c.Refresh.DiscoveryInterval, time.Second, maxInterval),
			"relist_interval":    duration(&c.Refresh.RelistInterval, time.Second, 0),
		}.read,
	}
}

func (a *Atlas) keys() keys {
	return keys{
		"base_url": func(n *yaml.Node) error {
			var raw string
			if err := text(&raw)(n); err != nil {
				return err
			}
			if _, err := parseBaseURL(raw, true); err != nil { // validate checks whether plain http is allowed
				return err
			}
			a.BaseURL = raw
			return nil
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
	a.ServiceAccount = &s
	err := keys{
		"client_id":          credential(&s.ClientID, clientID),
		"client_secret":      credential(&s.ClientSecret, clientSecret),
		"client_secret_file": text(&s.ClientSecretFile),
	}.read(n)
	if err != nil {
		return err
	}
	return needs(s.ClientID, "client_id", s.ClientSecret, "client_secret", s.ClientSecretFile)
}

func (a *Atlas) readAPIKey(n *yaml.Node) error {
	var k APIKey
	a.APIKey = &k
	err := keys{
		"public_key":       credential(&k.PublicKey, publicKey),
		"private_key":      credential(&k.PrivateKey, privateKey),
		"private_key_file": text(&k.PrivateKeyFile),
	}.read(n)
	if err != nil {
		return err
	}
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

func (p *parser) readProjects(n *yaml.Node) error {
	c := p.config
	listed := map[string]bool{}
	return list(n, func(entry *yaml.Node) error {
		var project Project
		err := keys{
			"id":        projectID(&project.ID),
			"clusters":  filter(&project.Clusters),
			"pipelines": filter(&project.Pipelines),
		}.read(entry)
		switch {
		case err != nil:
			return err
		case project.ID == "":
			return errors.New("id is missing")
		case listed[project.ID]:
			return fmt.Errorf("project %s is listed twice: keep one", project.ID)
		}
		listed[project.ID] = true
		c.Projects, p.projects = append(c.Projects, project), append(p.projects, entry)
		return nil
	})
}

func projectID(into *string) func(*yaml.Node) error {
	return func(n *yaml.Node) error {
		var id string
		if err := text(&id)(n); err != nil {
			return err
		}
		if _, err := atlasapi.ParseObjectID(id); err == nil {
			*into = id
			return nil
		}
		if _, err := atlasapi.ParseObjectID(strings.ToLower(id)); err == nil {
			return errors.New("a project id in upper case: write its letters in lower case")
		}
		return errors.New("not a project id: it is 24 digits of 0-9 and a-f, as in the project's settings in Atlas")
	}
}

// validate finds faults in combinations of keys.
func (p *parser) validate(root *yaml.Node) (faults Errors) {
	c := p.config
	if c.Atlas.ServiceAccount != nil && c.Atlas.APIKey != nil {
		err := errors.New("atlas.service_account is set too: keep one")
		faults = append(faults, at(find(root, "atlas", "api_key"), "atlas.api_key", err)...)
	}
	if c.Atlas.BaseURL != "" {
		_, err := parseBaseURL(c.Atlas.BaseURL, c.Atlas.AllowInsecureHTTP)
		faults = append(faults, at(find(root, "atlas", "base_url"), "atlas.base_url", err)...)
	}
	for i, project := range c.Projects {
		if matchAny(c.Discovery.Projects.Exclude, []string{project.ID}) {
			excluded := find(root, "discovery", "projects", "exclude")
			index := slices.Index(resolve(find(root, "projects")).Content, p.projects[i])
			err := fmt.Errorf("project %s is named here, and excluded by discovery.projects.exclude in line %d: keep one",
				project.ID, excluded.Line)
			faults = append(faults, at(p.projects[i], fmt.Sprintf("projects[%d]", index), err)...)
		}
	}
	return faults
}

// find returns the node at a path of keys, nil if there is none.
func find(n *yaml.Node, path ...string) *yaml.Node {
	for _, key := range path {
		n = resolve(n)
		i := 0
		for i+1 < len(n.Content) && resolve(n.Content[i]).Value != key {
			i += 2
		}
		if i+1 >= len(n.Content) {
			return nil
		}
		n = n.Content[i+1]
	}
	return n
}
