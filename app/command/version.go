package command

import (
	"cmp"
	"fmt"
	"runtime/debug"
)

type versionCmd struct{}

func (versionCmd) Run(v release) error {
	fmt.Println("seaworthy", v)
	return nil
}

// release is what commands know of the program that runs them.
type release struct{ Program }

// name is how the program is called on the command line.
func (v release) name() string { return cmp.Or(v.Own.Name, "seaworthy") }

// String is the release, or the commit it was built from.
func (v release) String() string {
	if v.Version != "" {
		return v.Version
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
