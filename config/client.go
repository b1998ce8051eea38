package config

import "github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"

// ForAtlas returns the credentials for a client of Atlas. It sends nothing.
func (c Credentials) ForAtlas() atlasapi.Credentials {
	if c.ServiceAccount {
		return atlasapi.NewServiceAccount(c.ID, c.Secret)
	}
	return atlasapi.NewAPIKey(c.ID, c.Secret)
}

// ClientOptions returns the options of a client, without the base URL and the credentials: URL and Credentials return
// those.
func (a *Atlas) ClientOptions() atlasapi.Options {
	return atlasapi.Options{
		MaxConcurrentRequests: a.MaxConcurrentRequests,
		RequestTimeout:        a.RequestTimeout,
		MaxRetries:            a.MaxRetries,
	}
}
