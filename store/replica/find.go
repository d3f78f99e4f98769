package replica

import (
	"os"
	"path/filepath"
)

// Find reads the configuration of a data folder: the named file, else litestream.yml in
// the data or the current folder, else the built-in default.
func Find(named, data string) (Config, error) {
	data, err := filepath.Abs(data)
	if err != nil {
		return Config{}, err
	}
	env := func(name string) string {
		if name == EnvData {
			return data
		}
		return os.Getenv(name)
	}
	if named != "" {
		return Load(named, env)
	}
	for _, path := range []string{filepath.Join(data, "litestream.yml"), "litestream.yml"} {
		if _, err := os.Stat(path); err == nil {
			return Load(path, env)
		}
	}
	return Parse([]byte(DefaultYAML), env)
}
