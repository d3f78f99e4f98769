package apply

import (
	"crypto/sha256"
	"encoding/hex"

	"seaworthy/app/config"
	"seaworthy/app/launch"
	"seaworthy/store"
)

// Checks are what must be so of the file of the installation.
func Checks(tx *store.Tx, c *config.Config) ([]launch.Check, error) {
	k := launch.Check{Key: "apply.file", System: "server", Title: "seaworthy.yml is what counts", Blocks: true,
		Why: "Whoever reads the file believes that its plans, roles and rules are those in use.", Fix: "Look at what 'seaworthy apply FILE --dry-run' says of it, mend it, then reload the server (SIGHUP)."}
	path := c.Manifest()
	if path == "" {
		return []launch.Check{k.Is(launch.NotApplicable, "There is none: all is set in the console.")}, nil
	}
	raw, err := ReadFile(path)
	if err != nil {
		return []launch.Check{k.Is(launch.Todo, "It cannot be read: "+err.Error()+".")}, nil
	}
	rows, err := sectionRows(tx)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(raw)
	for _, row := range rows {
		if row.source == "start" && row.hash == hex.EncodeToString(sum[:]) {
			return []launch.Check{k.Is(launch.Done, path+" is applied.")}, nil
		}
	}
	return []launch.Check{k.Is(launch.Todo, path+" as it is now was not applied: it has a fault, or the server has not seen it yet.")}, nil
}
