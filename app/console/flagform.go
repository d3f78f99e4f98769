package console

import (
	"net/http"
	"strings"

	"seaworthy/app/flags"
	"seaworthy/app/web"
)

// flagForm is what of a flag is neither its state nor its targeting, as a person
// types it.
type flagForm struct {
	Key           string   `json:"key,omitempty"`
	Kind          string   `json:"kind,omitempty"` // of a new flag: boolean, string, number, object
	Names         []string `json:"names,omitempty"`
	Values        []string `json:"values,omitempty"`
	Default       string   `json:"default_variant"`
	Off           string   `json:"off_variant"`
	Owner         string   `json:"owner"`
	Tags          string   `json:"tags"`
	Expires       string   `json:"expires"`
	Prerequisites string   `json:"prerequisites"`
	ClientVisible bool     `json:"client_visible"`
	KillExempt    bool     `json:"kill_exempt"`
	Comment       string   `json:"comment"`
	Version       string   `json:"version"`
}

func (f flagForm) values() map[string]string {
	return map[string]string{"key": f.Key, "default_variant": f.Default, "off_variant": f.Off, "owner": f.Owner, "tags": f.Tags, "expires": f.Expires,
		"prerequisites": f.Prerequisites, "client_visible": yes(f.ClientVisible), "kill_exempt": yes(f.KillExempt), "comment": f.Comment, "version": f.Version}
}

func yes(on bool) string {
	if on {
		return "yes"
	}
	return ""
}

// newFlagForm is what a new flag begins with: a switch.
var newFlagForm = flagForm{Names: []string{"on", "off"}, Values: []string{"true", "false"}, Default: "off", Off: "off", Version: "0"}

// formOfFlag is a definition as the form shows it. Text stands without its quotes.
func formOfFlag(f flags.Flag, d flags.Definition) flagForm {
	x := d.Extension
	form := flagForm{Default: d.Default, Off: x.OffVariant, Owner: x.Owner, Tags: strings.Join(x.Tags, " "), Expires: x.Expires, ClientVisible: x.ClientVisible, KillExempt: x.KillExempt}
	for _, v := range d.Variants {
		form.Names, form.Values = append(form.Names, v.Name), append(form.Values, v.Value)
	}
	var lines []string
	for _, p := range x.Prerequisites {
		lines = append(lines, p.Flag+": "+strings.Join(p.Variants, ", "))
	}
	form.Prerequisites = strings.Join(lines, "\n")
	form.Version = versionText(f)
	return form
}

// settings are what was typed as flags takes it.
func (f flagForm) settings() (flags.Settings, error) {
	in := flags.Settings{Default: strings.TrimSpace(f.Default), Extension: flags.Extension{OffVariant: strings.TrimSpace(f.Off), Owner: strings.TrimSpace(f.Owner),
		Expires: strings.TrimSpace(f.Expires), Tags: tagsIn(f.Tags), ClientVisible: f.ClientVisible, KillExempt: f.KillExempt}}
	if len(f.Names) != len(f.Values) {
		return in, web.BadRequest("bad_field", "Each variant has one value.")
	}
	for i, name := range f.Names {
		if name = strings.TrimSpace(name); name != "" {
			in.Variants = append(in.Variants, flags.Variant{Name: name, Value: strings.TrimSpace(f.Values[i])})
		}
	}
	for line := range strings.Lines(f.Prerequisites) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		flag, names, ok := strings.Cut(line, ":")
		if !ok {
			return in, web.Invalid(web.Field{Field: "prerequisites", Code: "form", Message: "One a line, as new-billing: on, beta"})
		}
		p := flags.Prerequisite{Flag: strings.TrimSpace(flag)}
		for name := range strings.SplitSeq(names, ",") {
			if name = strings.TrimSpace(name); name != "" {
				p.Variants = append(p.Variants, name)
			}
		}
		in.Extension.Prerequisites = append(in.Extension.Prerequisites, p)
	}
	return in, nil
}

// typed are the names that a definition's paths have in the form.
var typed = map[string]string{"defaultVariant": "default_variant", "x-seaworthy.offVariant": "off_variant", "x-seaworthy.owner": "owner", "x-seaworthy.expires": "expires",
	"x-seaworthy.tags": "tags", "x-seaworthy.prerequisites": "prerequisites"}

// inForm is an error with its fields named as the form names them.
func inForm(e *web.Error) *web.Error {
	own := *e
	own.Fields = nil
	for _, f := range e.Fields {
		if name := typed[f.Field]; name != "" {
			f.Field = name
		}
		own.Fields = append(own.Fields, f)
	}
	return &own
}

// variantRow is a variant in the form.
type variantRow struct{ Name, Value string }

type flagFormData struct {
	Key      string // "" for a new one
	Path     string
	Back     string
	Variants []variantRow // with empty ones to add to
	Names    []string
}

func (s *System) showFlagForm(w http.ResponseWriter, r *http.Request, key string, f flagForm, fault *web.Error) error {
	d := flagFormData{Key: key, Back: flagsBase, Path: flagsBase + "/-/new"}
	v := web.View{Title: "New flag"}
	if key != "" {
		v.Title, d.Back, d.Path = "Settings of "+key, flagsBase+"/"+key, flagsBase+"/"+key+"/edit"
	}
	for i, name := range f.Names {
		if i < len(f.Values) {
			d.Variants = append(d.Variants, variantRow{name, f.Values[i]})
		}
		if name != "" {
			d.Names = append(d.Names, name)
		}
	}
	for range 2 {
		d.Variants = append(d.Variants, variantRow{})
	}
	v.Form, v.Data = &web.Form{Values: f.values(), Err: fault}, d
	if fault != nil {
		v.Status = fault.Status
	}
	return s.Pages.Render(w, r, "flags/form", v)
}

func (s *System) newFlag(w http.ResponseWriter, r *http.Request) error {
	f := newFlagForm
	f.Key = word(r.URL.Query(), "key")
	return s.showFlagForm(w, r, "", f, nil)
}

func (s *System) editFlag(w http.ResponseWriter, r *http.Request) error {
	f, err := s.Flags.Flag(r.Context(), r.PathValue("key"))
	if err != nil {
		return err
	}
	d, _ := flags.ReadDefinition(f.Definition)
	return s.showFlagForm(w, r, f.Key, formOfFlag(f, d), nil)
}

func (s *System) makeFlag(w http.ResponseWriter, r *http.Request) error {
	return s.saveFlag(w, r, "", "made")
}

func (s *System) changeFlag(w http.ResponseWriter, r *http.Request) error {
	return s.saveFlag(w, r, r.PathValue("key"), "changed")
}

// saveFlag does what the form asks, or shows it again with what is wrong.
func (s *System) saveFlag(w http.ResponseWriter, r *http.Request, key, done string) error {
	f, err := web.Decode[flagForm](r)
	if err != nil {
		return err
	}
	name, version := key, versionOf(f.Version)
	if key == "" {
		name, version = strings.TrimSpace(f.Key), flags.NoVersion
	}
	in, err := f.settings()
	if err == nil {
		_, err = s.Flags.SetSettings(r.Context(), name, in, version, f.Comment)
	}
	if err == nil {
		return web.SeeOther(w, r, flagsBase+"/"+name+"?done="+done)
	}
	if e, ok := mendable(err); ok {
		return s.showFlagForm(w, r, key, f, inForm(e))
	}
	return err
}
