package email

import (
	"context"
	"encoding/json"
	"errors"

	"seaworthy/app/manifest"
	"seaworthy/store"
)

// brandDoc is the brand as seaworthy.yml has it. What it leaves out stays as it is, or with
// prune becomes as configured. The logo is a file and is set in the console.
type brandDoc struct {
	Name    *string `json:"name,omitempty"`
	Accent  *string `json:"accent,omitempty"`
	Dark    *string `json:"accent_dark,omitempty"`
	Address *string `json:"address,omitempty"`
	Support *string `json:"support,omitempty"`
	Website *string `json:"website,omitempty"`
}

// Part is the section of seaworthy.yml with the brand.
func (s *System) Part() manifest.Part {
	return manifest.Part{Name: "brand", Noun: "brand", Shape: manifest.Single, Manage: permManage, Read: permRead, Page: pageBrand, Prepare: s.prepareBrand, State: brandState}
}

func (s *System) prepareBrand(_ context.Context, f *manifest.File) (manifest.Act, error) {
	section := f.Section("brand")
	if len(section.Items) == 0 {
		return manifest.Act{}, nil
	}
	it := section.Items[0]
	doc, err := manifest.Decode[brandDoc](it)
	if err != nil {
		return manifest.Act{}, err
	}
	var in BrandInput // what is said, tidied
	said := func(to *string, from *string) {
		if from != nil {
			*to = *from
		}
	}
	said(&in.Name, doc.Name)
	said(&in.Accent, doc.Accent)
	said(&in.Dark, doc.Dark)
	said(&in.Address, doc.Address)
	said(&in.Support, doc.Support)
	said(&in.Website, doc.Website)
	if err := in.check(); err != nil {
		return manifest.Act{}, it.Fault(err)
	}
	take := func(to *string, value string, given bool) {
		if given || section.Prune {
			*to = value
		}
	}
	return manifest.Act{Put: func(tx *store.Tx, _ *manifest.Report) error {
		was, err := brandOf(tx)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		now := was
		take(&now.name, in.Name, doc.Name != nil)
		take(&now.accent, in.Accent, doc.Accent != nil)
		if take(&now.dark, in.Dark, doc.Dark != nil); now.accent == "" {
			now.dark = "" // it is that of an accent
		}
		take(&now.address, in.Address, doc.Address != nil)
		take(&now.support, in.Support, doc.Support != nil)
		take(&now.website, in.Website, doc.Website != nil)
		return s.putBrand(tx, was, now)
	}}, nil
}

func brandState(tx *store.Tx) ([]manifest.Entry, error) {
	b, err := brandOf(tx)
	if errors.Is(err, store.ErrNotFound) {
		err = nil
	}
	if err != nil {
		return nil, err
	}
	some := func(s string) *string {
		if s == "" {
			return nil
		}
		return &s
	}
	raw, err := json.Marshal(brandDoc{Name: some(b.name), Accent: some(b.accent), Dark: some(b.dark), Address: some(b.address), Support: some(b.support), Website: some(b.website)})
	return []manifest.Entry{{JSON: raw}}, err
}
