// Package manifest is the vocabulary of seaworthy.yml, the one file of what lives in the
// database and can be edited in the console too: plans, roles, flags, brand, access rules
// and the like. It reads the file strictly, writes one, and says how two states differ. It
// knows no system: each takes its section as a Part, and app/apply applies them.
package manifest

import (
	"context"
	"fmt"
	"strings"

	"seaworthy/app/web"
	"seaworthy/store"
)

// Shape is how a section is written.
type Shape int

const (
	Keyed  Shape = iota // items: a mapping by name
	Listed              // a list, under the part's List; order matters
	Single              // fields, right in the section
)

// Part is a section of the file, as the system that owns what is in it takes it.
type Part struct {
	Name  string // "plans"
	Noun  string // of one of what is in it: "plan"
	Shape Shape
	List  string // key of the list, of a Listed part: "rules"
	// Manage and Read are the permissions to change what is in it and to see it.
	Manage, Read string
	// Page is where the console shows it: the page itself, and below it one thing a name.
	Page string
	// Prepare checks what the file says, and computes what should not be computed within a
	// transaction. Faults are 422s that name line and field; see Item.Fault.
	Prepare func(ctx context.Context, f *File) (Act, error)
	// State is what there is now, in an order that does not change.
	State func(tx *store.Tx) ([]Entry, error)
	// Warn says what is likely to be a mistake although it can be applied; it may be nil.
	Warn func(tx *store.Tx) ([]string, error)
	// After is called once changes are durable; it may be nil.
	After func(ctx context.Context) error
}

// Act is what a section does in the transaction. All sections put before any prunes, and
// they prune in the opposite order, so that what needs another thing goes before it.
type Act struct {
	Put   func(tx *store.Tx, r *Report) error
	Prune func(tx *store.Tx, r *Report) error // only what the file does not have; nil for nothing
}

// Report is told what comes of an application beside what State shows.
type Report struct{ Changes []Change }

// Note adds a change that State does not show.
func (r *Report) Note(section, name, words string) {
	r.Changes = append(r.Changes, Change{Section: section, Name: name, Act: Noted, Fields: []string{words}})
}

// Entry is one thing of a section as it stands: JSON, as the file would say it.
type Entry struct {
	Name string // "" in a Listed or Single part
	JSON []byte
}

// File is a file that was read.
type File struct {
	Hash     string // SHA-256 of its bytes, in hexadecimal
	sections map[string]*Section
}

// Section is one section of a file.
type Section struct {
	Name  string
	Prune bool // what the section does not have is to go
	Items []Item
	Line  int
}

// Item is one thing that a section says.
type Item struct {
	Name  string // "" in a Listed or Single part
	JSON  []byte
	Line  int
	path  string         // plans.items.pro
	lines map[string]int // of all that is in the file, by path
}

// Section is a section by its name; nil if the file does not have it.
func (f *File) Section(name string) *Section { return f.sections[name] }

// Names are the names of all items; each stands once.
func (s *Section) Names() map[string]bool {
	names := map[string]bool{}
	if s != nil {
		for _, it := range s.Items {
			names[it.Name] = true
		}
	}
	return names
}

// Decode reads an item strictly, as the API reads a body.
func Decode[T any](it Item) (T, error) {
	v, err := web.DecodeJSON[T](it.JSON)
	return v, it.Fault(err)
}

// Fault says where in the file a fault of an item stands. What a system refuses names its
// fields as the API does.
func (it Item) Fault(err error) error {
	if err == nil {
		return nil
	}
	e := web.AsError(err)
	if e.Status >= 500 || e.Status == 499 {
		return fmt.Errorf("%s, line %d: %w", it.path, it.Line, err)
	}
	out := *e
	out.Fields = nil
	for _, f := range e.Fields {
		out.Fields = append(out.Fields, web.Field{Field: strings.TrimSuffix(it.path+"."+f.Field, "."), Code: f.Code, Message: at(it.lineOf(f.Field), f.Message)})
	}
	if len(out.Fields) == 0 {
		out.Fields = []web.Field{{Field: it.path, Code: e.Code, Message: at(it.Line, e.Public)}}
	}
	if e.Status == 400 || e.Status == 422 || e.Status == 409 || e.Status == 404 {
		out.Status, out.Code, out.Public = 422, "manifest", words(len(out.Fields))
	}
	return &out
}

// lineOf is the line of a field, or of what it stands in.
func (it Item) lineOf(field string) int {
	for path := it.path + "." + field; strings.HasPrefix(path, it.path); {
		if n := it.lines[path]; n > 0 {
			return n
		}
		cut := strings.LastIndexByte(path, '.')
		if cut < 0 {
			break
		}
		path = path[:cut]
	}
	return it.Line
}

func at(line int, message string) string { return fmt.Sprintf("Line %d: %s", line, message) }

func words(faults int) string {
	if faults == 1 {
		return "The file has a fault. Nothing was changed."
	}
	return fmt.Sprintf("The file has %d faults. Nothing was changed.", faults)
}

// Join makes one error of those of several sections: all faults of the file at once.
func Join(errs []error) error {
	var all []web.Field
	for _, err := range errs {
		if err == nil {
			continue
		}
		e := web.AsError(err)
		if e.Status != 422 {
			return err
		}
		all = append(all, e.Fields...)
	}
	if len(all) == 0 {
		return nil
	}
	return &web.Error{Status: 422, Code: "manifest", Public: words(len(all)), Fields: all}
}
