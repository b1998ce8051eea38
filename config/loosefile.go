package config

import (
	"fmt"
	"io/fs"
	"os"
	"runtime"
)

// LooseFile is a file with a secret in it that every user of the machine may read or change.
type LooseFile struct {
	Path string
	Mode fs.FileMode // the permissions alone
}

// String says what is wrong with the file.
func (f LooseFile) String() string {
	return fmt.Sprintf("%s has mode %04o: every user of this machine can get at the secret in it", f.Path, f.Mode)
}

// Remedy says what to do about the file.
func (f LooseFile) Remedy() string {
	return fmt.Sprintf("make the exporter's user its owner, and chmod 600 %s (where Kubernetes mounts it from a Secret: defaultMode: 0440)", f.Path)
}

// Warning says both, as a sentence.
func (f LooseFile) Warning() string { return f.String() + ": " + f.Remedy() }

// LooseFile returns the file that the secret is read from where others than its owner and its group may read or change
// it, and whether they may: the file that a key ending in _file names, or the configuration file where the secret stands
// in it. Of a symbolic link the file at its end counts, since that is how Kubernetes mounts Secrets.
//
// What the group may do is no fault. Services read by it what root owns: the group of a pod's volumes (fsGroup), a
// package's 0640, and the access lists of systemd's credentials, whose mask stands in the place of the group's bits.
func (c *Config) LooseFile() (LooseFile, bool) {
	path := c.secretFile()
	if path == "" || runtime.GOOS == "windows" { // whose permissions are not in the mode
		return LooseFile{}, false
	}
	info, err := os.Stat(path)
	if err != nil || info.IsDir() {
		return LooseFile{}, false // reading it says so
	}
	mode := info.Mode().Perm()
	return LooseFile{Path: path, Mode: mode}, mode&0o006 != 0
}

// secretFile is the file that holds the secret, "" where none does: it may come from the environment, and the demo's
// stands in the program.
func (c *Config) secretFile() string {
	switch secret := c.Atlas.secretFile(); {
	case secret == nil:
		return ""
	case *secret == "":
		return c.path // the secret stands in it
	default:
		return *secret
	}
}

// SecretFile returns the path of the file that holds the secret and nothing else, "" where the secret comes from elsewhere.
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
