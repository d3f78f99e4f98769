package config

import (
	"path/filepath"
	"regexp"
	"strings"
)

// OutboxFile is a database of the app's whose outbox is relayed.
type OutboxFile struct {
	Name string // tells its rows from those of other files; must stay the same
	Path string // absolute
}

var outboxName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}$`)

// Outboxes reads the list of files, as path or name=path. A file without a name
// is called after its file name, without what follows the last point.
func (c *Config) Outboxes(fault func(format string, args ...any)) (files []OutboxFile) {
	names, paths := map[string]bool{}, map[string]bool{}
	own, _ := filepath.Abs(filepath.Join(c.Data, "seaworthy.db"))
	for _, text := range c.Outbox {
		name, path, named := strings.Cut(strings.TrimSpace(text), "=")
		if !named {
			path = name
			name = strings.ToLower(strings.TrimSuffix(filepath.Base(path), filepath.Ext(path)))
		}
		abs, err := filepath.Abs(path)
		switch {
		case path == "" || err != nil:
			fault("SEAWORTHY_OUTBOX must be a list of paths of SQLite files, or name=path, with commas between them, not %q", text)
			continue
		case !outboxName.MatchString(name):
			fault("SEAWORTHY_OUTBOX: %q cannot be the name of a file: use small letters, digits and . _ - as in shop=%s", name, path)
		case names[name]:
			fault("SEAWORTHY_OUTBOX has two files called %s: give one another name, as in other=%s", name, path)
		case paths[abs]:
			fault("SEAWORTHY_OUTBOX has %s twice", path)
		case abs == own:
			fault("SEAWORTHY_OUTBOX must not be Seaworthy's own database, %s: the table belongs into the app's own file", path)
		}
		names[name], paths[abs] = true, true
		files = append(files, OutboxFile{Name: name, Path: abs})
	}
	return files
}
