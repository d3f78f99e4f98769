package command

import (
	"fmt"
	"runtime/debug"
)

type versionCmd struct{}

func (versionCmd) Run(v release) error {
	fmt.Println("seaworthy", v)
	return nil
}

// release is which release this is; "" for a build that is none.
type release string

// String is the release, or the commit it was built from.
func (v release) String() string {
	if v != "" {
		return string(v)
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	if rev := settings["vcs.revision"]; len(rev) >= 12 {
		if settings["vcs.modified"] == "true" {
			return "dev-" + rev[:12] + "-modified"
		}
		return "dev-" + rev[:12]
	}
	return "dev"
}
