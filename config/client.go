package config

import "github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"

// ForAtlas returns the credentials as a client of Atlas takes them. They have not signed in yet.
func (c Credentials) ForAtlas() atlasapi.Credentials {
	if c.ServiceAccount {
		return atlasapi.NewServiceAccount(c.ID, c.Secret)
	}
	return atlasapi.NewAPIKey(c.ID, c.Secret)
}

// ClientOptions returns how the configuration has Atlas asked. Where Atlas is, and as whom it is asked, is URL's and
// Credentials' to say.
func (a *Atlas) ClientOptions() atlasapi.Options {
	return atlasapi.Options{
		MaxConcurrentRequests: a.MaxConcurrentRequests,
		RequestTimeout:        a.RequestTimeout,
		MaxRetries:            a.MaxRetries,
	}
}
