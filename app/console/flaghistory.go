package console

import (
	"net/http"
	"strconv"

	"seaworthy/app/flags"
	"seaworthy/app/web"
	"seaworthy/store"
)

// versionRow is a version with what it changed.
type versionRow struct {
	flags.Version
	Changes []flags.Difference
	First   bool
}

// historyData is the history of a flag or of a segment.
type historyData struct {
	Name, Path   string
	Segment      bool
	Current      int // version
	Rows         []versionRow
	Older, Newer string
	Restores     bool // whoever looks may go back to a version
}

// historySize is how many versions a page has, each with what it changed.
const historySize = 20

func (s *System) flagHistory(w http.ResponseWriter, r *http.Request) error {
	key := r.PathValue("key")
	return s.history(w, r, historyData{Name: key, Path: flagsBase + "/" + key}, func(tx *store.Tx, d *historyData, before int) ([]flags.Version, error) {
		f, err := flags.FlagByKey(tx, key)
		if err != nil {
			return nil, err
		}
		d.Current, d.Restores = f.Version, d.Restores && f.State != flags.Archived
		return flags.History(tx, key, before, historySize+1)
	})
}

func (s *System) segmentHistory(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("name")
	return s.history(w, r, historyData{Name: name, Path: segmentsBase + "/" + name, Segment: true}, func(tx *store.Tx, d *historyData, before int) ([]flags.Version, error) {
		seg, err := flags.SegmentByName(tx, name)
		if err != nil {
			return nil, err
		}
		d.Current = seg.Version
		return flags.SegmentHistory(tx, name, before, historySize+1)
	})
}

// history renders a page of versions, the newest first, that read reads.
func (s *System) history(w http.ResponseWriter, r *http.Request, d historyData, read func(*store.Tx, *historyData, int) ([]flags.Version, error)) error {
	before := 1 << 30
	if n, err := strconv.Atoi(r.URL.Query().Get("before")); err == nil && n > 0 {
		before, d.Newer = n, d.Path+"/history"
	}
	d.Restores = flagMayOf(web.IdentityOf(r.Context())).Manage
	var all []flags.Version
	err := s.DB.Read(r.Context(), func(tx *store.Tx) (err error) {
		all, err = read(tx, &d, before)
		return err
	})
	if err != nil {
		return err
	}
	for i, v := range all[:min(len(all), historySize)] {
		row := versionRow{Version: v, First: i+1 == len(all)}
		if !row.First {
			row.Changes = d.difference(all[i+1].Definition, v.Definition)
		}
		d.Rows = append(d.Rows, row)
	}
	if len(all) > historySize {
		d.Older = href(d.Path+"/history", "before", strconv.Itoa(all[historySize-1].Number), nil)
	}
	return s.Pages.Render(w, r, "flags/history", web.View{Title: "History of " + d.Name, Data: d})
}

// difference is what a version changed. A segment is one rule, of which a part means
// nothing alone.
func (d historyData) difference(from, to string) []flags.Difference {
	if d.Segment {
		from, to = `{"rule":`+from+`}`, `{"rule":`+to+`}`
	}
	return flags.Diff(from, to)
}

type restoreForm struct {
	Restore string `json:"restore"`
	Version string `json:"version"`
}

func (s *System) restoreFlag(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[restoreForm](r)
	if err != nil {
		return err
	}
	key := r.PathValue("key")
	if _, err := s.Flags.Restore(r.Context(), key, versionOf(in.Restore), versionOf(in.Version), ""); err != nil {
		return s.flagRefused(w, r, flagInput{}, err)
	}
	return web.SeeOther(w, r, flagsBase+"/"+key+"?done=restored")
}

func (s *System) restoreSegment(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[restoreForm](r)
	if err != nil {
		return err
	}
	name := r.PathValue("name")
	_, err = s.Flags.RestoreSegment(r.Context(), name, versionOf(in.Restore), versionOf(in.Version), "")
	if err == nil {
		return web.SeeOther(w, r, segmentsBase+"/"+name+"?done=restored")
	}
	e, ok := mendable(err)
	if !ok {
		return err
	}
	f, plain, err := s.segmentTyped(r)
	if err != nil {
		return err
	}
	return s.showSegment(w, r, name, f, plain, e)
}
