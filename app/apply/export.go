package apply

import (
	"context"
	"slices"
	"strings"

	"seaworthy/app/manifest"
	"seaworthy/app/web"
	"seaworthy/store"
)

// Export writes the present state of sections as a file, of all for none. Applied, it
// changes nothing. Whoever asks in a request gets, of all, those that he may see.
func (s *System) Export(ctx context.Context, sections []string) ([]byte, error) {
	parts, err := s.chosen(ctx, sections)
	if err != nil {
		return nil, err
	}
	all, err := store.Read(ctx, s.DB, func(tx *store.Tx) ([]manifest.Written, error) {
		var all []manifest.Written
		for _, p := range parts {
			entries, err := p.State(tx)
			if err != nil {
				return nil, err
			}
			all = append(all, manifest.Written{Part: p, Entries: entries})
		}
		return all, nil
	})
	if err != nil {
		return nil, err
	}
	return manifest.Write(all)
}

func (s *System) chosen(ctx context.Context, names []string) ([]manifest.Part, error) {
	o := web.OriginOf(ctx)
	// Whoever may change a section can see it: he would see it by changing it.
	may := func(p manifest.Part) bool {
		return o.RequestID == "" && !o.Identity.Known() || o.Identity.Can(p.Read) || o.Identity.Can(p.Manage)
	}
	if len(names) == 0 {
		return slices.DeleteFunc(slices.Clone(s.Parts), func(p manifest.Part) bool { return !may(p) }), nil
	}
	var all []manifest.Part
	for _, p := range s.Parts {
		if !slices.Contains(names, p.Name) {
			continue
		}
		if !may(p) {
			return nil, web.Forbidden(p.Read)
		}
		all = append(all, p)
	}
	for _, name := range names {
		if !slices.ContainsFunc(all, func(p manifest.Part) bool { return p.Name == name }) {
			return nil, web.Invalid(web.Field{Field: "section", Code: "unknown", Message: "There is no such section. There are " + strings.Join(s.sectionNames(), ", ") + "."})
		}
	}
	return all, nil
}

func (s *System) sectionNames() (names []string) {
	for _, p := range s.Parts {
		names = append(names, p.Name)
	}
	return names
}
