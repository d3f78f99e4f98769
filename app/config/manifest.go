package config

import (
	"os"
	"path/filepath"
)

// Manifest is the file of plans, roles, flags and the like that is applied at the start:
// the one that is named, else seaworthy.yml in the data folder if there is one; "" for none.
func (c Config) Manifest() string {
	if c.ConfigFile == "off" {
		return ""
	}
	if c.ConfigFile != "" {
		return c.ConfigFile
	}
	path := filepath.Join(c.Data, "seaworthy.yml")
	if _, err := os.Stat(path); err != nil {
		return ""
	}
	return path
}

// checkManifest looks whether a file that is named is there.
func (c *Config) checkManifest(fault func(format string, args ...any)) {
	if c.ConfigFile == "" || c.ConfigFile == "off" {
		return
	}
	if info, err := os.Stat(c.ConfigFile); err != nil || info.IsDir() {
		fault("SEAWORTHY_CONFIG_FILE must be a file that can be read, not %q", c.ConfigFile)
	}
}
