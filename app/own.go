package app

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"seaworthy/app/audit"
	"seaworthy/app/auth"
	"seaworthy/app/web"
	"seaworthy/assets"
	"seaworthy/store"
)

// Own is what a program that embeds the app brings as files. They are known before
// anything is built, and lie as ours do:
//
//	migrations/NNNN_what.sql             tables, all named <name>_…; see store.Own
//	pages/<name>/*.html                  pages, rendered as "<name>/…" in our layouts
//	mail/<name>/*.txt and *.json         mails, sent as "<name>/…", each with its sample
//	css/<name>.css, js/<name>.js         or any that begin so; {{asset "css/<name>.css"}}
type Own struct {
	Name  string // 2 to 30 small letters and digits, such as "guestbook"
	Files fs.FS
}

// ownFolders are the places for files, and what comes after the program's name there.
var ownFolders = map[string]string{"pages": "/", "mail": "/", "css": "", "js": "", "migrations": ""}

// open checks the files, and lays them over ours.
func (o Own) open() (files fs.FS, steps store.Own, err error) {
	if o.Name == "" {
		return assets.FS, store.Own{}, nil
	}
	if steps, err = store.ReadOwn(o.Name, o.Files); err != nil {
		return nil, steps, err
	}
	files = layers{assets.FS, o.Files}
	err = fs.WalkDir(o.Files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		folder, rest, _ := strings.Cut(name, "/")
		after, known := ownFolders[folder]
		if known && folder != "migrations" && !strings.HasPrefix(rest, o.Name+after) {
			return fmt.Errorf("%s: what %s brings stands in %s/%s", name, o.Name, folder, o.Name+after)
		}
		if _, err := fs.Stat(assets.FS, name); err == nil {
			return fmt.Errorf("%s: there is one already", name)
		}
		return nil
	})
	return files, steps, err
}

// layers are two trees of files as one; the first wins.
type layers [2]fs.FS

// Open implements fs.FS.
func (l layers) Open(name string) (fs.File, error) {
	f, err := l[0].Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return l[1].Open(name)
	}
	return f, err
}

// ReadDir implements fs.ReadDirFS: a folder that both have is one.
func (l layers) ReadDir(name string) ([]fs.DirEntry, error) {
	first, err := fs.ReadDir(l[0], name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	second, err2 := fs.ReadDir(l[1], name)
	if err2 != nil && (err != nil || !errors.Is(err2, fs.ErrNotExist)) {
		return nil, err2
	}
	for _, d := range second {
		if !slices.ContainsFunc(first, func(f fs.DirEntry) bool { return f.Name() == d.Name() }) {
			first = append(first, d)
		}
	}
	slices.SortFunc(first, func(a, b fs.DirEntry) int { return cmp.Compare(a.Name(), b.Name()) })
	return first, nil
}

// ReadFile implements fs.ReadFileFS.
func (l layers) ReadFile(name string) ([]byte, error) {
	b, err := fs.ReadFile(l[0], name)
	if errors.Is(err, fs.ErrNotExist) {
		return fs.ReadFile(l[1], path.Clean(name))
	}
	return b, err
}

// check holds the routes of an extension to what ours are held to: each says who may
// use it, and what a change is recorded as or why it is not.
func (e Extension) check() error {
	known := map[string]bool{}
	for _, k := range e.Actions {
		known[string(k.Action)] = true
	}
	for _, r := range e.Routes {
		what := r.Method + " " + r.Pattern
		switch {
		case r.Access == (web.Access{}):
			return fmt.Errorf("%s: say who may use it (Access)", what)
		case r.Mutates() && len(r.Audit) == 0 && r.Exempt == "":
			return fmt.Errorf("%s: say what it is recorded as (Audit), or why it is not (Exempt)", what)
		}
		for _, action := range r.Audit {
			if !known[action] && !ours(action) {
				return fmt.Errorf("%s: the action %s is not among the Actions", what, action)
			}
		}
	}
	return nil
}

// asks says whether a route asks for a permission that the extension declares itself:
// one that is found with a route would be taken for a system's.
func (e Extension) asks(r web.Route) bool {
	return slices.ContainsFunc(e.Permissions, func(p auth.NewPermission) bool { return p.Name == r.Access.RequiredPermission() })
}

// ours says whether an action is one of a system of ours.
func ours(action string) bool {
	return slices.ContainsFunc(slices.Concat(catalogs()...), func(k audit.Kind) bool { return string(k.Action) == action })
}
