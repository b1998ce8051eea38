package config

import (
	"context"
	"fmt"
	"io/fs"
	"runtime"
)

// LooseFile is a file with a secret that every user of the machine can read or change.
type LooseFile struct {
	Path string
	Mode fs.FileMode // only the permission bits
}

// String describes the problem.
func (f LooseFile) String() string {
	return fmt.Sprintf("%s has mode %04o: every user of this machine can read or change the secret in it", f.Path, f.Mode)
}

// Remedy describes the solution.
func (f LooseFile) Remedy() string {
	return fmt.Sprintf("make the exporter's user its owner, and chmod 600 %s "+
		"(where Kubernetes mounts it from a Secret: defaultMode: 0440)", f.Path)
}

// Warning returns a sentence with both.
func (f LooseFile) Warning() string { return f.String() + ": " + f.Remedy() }

// LooseFile returns the file with the secret if users other than its owner and its group can read or change it. The
// second result reports whether they can. The file is the one that a key ending in _file names, or the configuration
// file if that contains the secret. LooseFile follows symbolic links, because Kubernetes mounts Secrets with them.
//
// The permissions of the group do not matter, because services use them to read files of root: the fsGroup of a pod,
// mode 0640 of a package, and the access control lists of systemd's credentials, whose mask appears as the group's
// bits.
func (c *Config) LooseFile(ctx context.Context) (LooseFile, bool) {
	path := c.secretFile()
	if path == "" || runtime.GOOS == "windows" { // on Windows, the mode does not have the permissions
		return LooseFile{}, false
	}
	info, err := c.Atlas.reader().Stat(ctx, path)
	if err != nil || info.IsDir() {
		return LooseFile{}, false // reading the file returns the error
	}
	mode := info.Mode().Perm()
	return LooseFile{Path: path, Mode: mode}, mode&0o006 != 0
}

// secretFile returns the path of the file that contains the secret, "" if there is none: it may come from the
// environment, and the demo has a constant.
func (c *Config) secretFile() string {
	switch secret := c.Atlas.secretFile(); {
	case secret == nil:
		return ""
	case *secret == "":
		return c.path // the configuration file contains the secret
	default:
		return *secret
	}
}

// SecretFile returns the path of the file that contains only the secret, "" if the secret comes from elsewhere.
func (a *Atlas) SecretFile() string {
	if path := a.secretFile(); path != nil {
		return *path
	}
	return ""
}

// secretFile returns the value of the key that names the secret file, nil if the configuration has no credentials.
func (a *Atlas) secretFile() *string {
	switch {
	case a.ServiceAccount != nil:
		return &a.ServiceAccount.ClientSecretFile
	case a.APIKey != nil:
		return &a.APIKey.PrivateKeyFile
	}
	return nil
}
