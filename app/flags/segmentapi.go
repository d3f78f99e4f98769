package flags

import (
	"net/http"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"seaworthy/app/web"
	"seaworthy/store"
)

func (s *System) segmentRoutes() []web.Route {
	const all, one = "/-/api/v1/flag-segments", "/-/api/v1/flag-segments/{name}"
	read, manage := web.Permission(permRead), web.Permission(permManage)
	return []web.Route{
		{Method: "GET", Pattern: all, Access: read, Handler: s.segmentsAPI, Doc: web.Doc{Summary: "List segments, which are flagd's $evaluators, by name", Out: segmentList{}}},
		{Method: "GET", Pattern: one, Access: read, Handler: s.segmentAPI, Doc: web.Doc{Summary: "One segment, and which flags name it", Out: segmentJSON{}}},
		{Method: "PUT", Pattern: one, Access: manage, Handler: s.putSegmentAPI, Body: maxBody, Audit: actions(actSegmentSet), Doc: web.Doc{Summary: "Make a segment or change it", In: segmentInput{}, Out: segmentJSON{}}},
		{Method: "DELETE", Pattern: one, Access: manage, Handler: s.dropSegmentAPI, Audit: actions(actSegmentDeleted), Doc: web.Doc{Summary: "Delete a segment that no flag names", Status: http.StatusNoContent}},
		{Method: "POST", Pattern: one + "/restore", Access: manage, Handler: s.restoreSegmentAPI, Audit: actions(actSegmentRestored), Doc: web.Doc{Summary: "Make a segment what it was in an earlier version, also one that was deleted", In: restoreInput{}, Out: segmentJSON{}}},
		{Method: "GET", Pattern: one + "/versions", Access: read, Handler: s.segmentVersionsAPI, Doc: web.Doc{Summary: "Versions of a segment, the newest first; query: cursor, limit", Out: segmentVersions{}}},
	}
}

type segmentJSON struct {
	Name    string         `json:"name"`
	Version int            `json:"version"`
	About   string         `json:"about,omitempty"`
	Rule    jsontext.Value `json:"rule"`
	UsedBy  []string       `json:"used_by,omitempty"`
	Created time.Time      `json:"created_at"`
	Changed time.Time      `json:"changed_at"`
}

type segmentList struct {
	Segments []segmentJSON `json:"segments"`
}

func (s Segment) json(used []string) segmentJSON {
	return segmentJSON{s.Name, s.Version, s.About, jsontext.Value(s.Rule), used, s.Created, s.Changed}
}

func (s *System) segmentsAPI(w http.ResponseWriter, r *http.Request) error {
	all, err := store.Read(r.Context(), s.DB, Segments)
	if err != nil {
		return err
	}
	out := segmentList{Segments: []segmentJSON{}}
	for _, seg := range all {
		out.Segments = append(out.Segments, seg.json(nil))
	}
	return web.JSON(w, http.StatusOK, out)
}

func (s *System) segmentAPI(w http.ResponseWriter, r *http.Request) error {
	return s.tellSegment(w, r, http.StatusOK)
}

func (s *System) tellSegment(w http.ResponseWriter, r *http.Request, status int) error {
	out, err := store.Read(r.Context(), s.DB, func(tx *store.Tx) (segmentJSON, error) {
		seg, err := SegmentByName(tx, r.PathValue("name"))
		if err != nil {
			return segmentJSON{}, err
		}
		used, err := UsersOf(tx, seg.Name)
		return seg.json(used), err
	})
	if err != nil {
		return err
	}
	w.Header().Set("ETag", `"`+strconv.Itoa(out.Version)+`"`)
	return web.JSON(w, status, out)
}

type segmentInput struct {
	Rule    jsontext.Value `json:"rule" doc:"One rule of JsonLogic, an object"`
	About   string         `json:"about,omitempty" doc:"Who is in it, for people"`
	Version *int           `json:"version,omitempty" doc:"It was made from; 0 for a new segment"`
	Comment string         `json:"comment,omitempty" doc:"Why, for the history"`
}

func (s *System) putSegmentAPI(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[segmentInput](r)
	if err != nil {
		return err
	}
	version, err := versionFrom(r, in.Version)
	if err != nil {
		return err
	}
	if _, err := s.SaveSegment(r.Context(), r.PathValue("name"), SaveSegment{Rule: string(in.Rule), About: in.About, Version: version, Comment: in.Comment}); err != nil {
		return err
	}
	return s.tellSegment(w, r, http.StatusOK)
}

func (s *System) dropSegmentAPI(w http.ResponseWriter, r *http.Request) error {
	if err := s.DeleteSegment(r.Context(), r.PathValue("name")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *System) restoreSegmentAPI(w http.ResponseWriter, r *http.Request) error {
	in, version, err := readRestore(r)
	if err != nil {
		return err
	}
	if _, err := s.RestoreSegment(r.Context(), r.PathValue("name"), in.Restore, version, in.Comment); err != nil {
		return err
	}
	return s.tellSegment(w, r, http.StatusOK)
}

type segmentVersion struct {
	Version int            `json:"version"`
	Act     string         `json:"act"`
	By      string         `json:"by"`
	At      time.Time      `json:"at"`
	Comment string         `json:"comment,omitempty"`
	Rule    jsontext.Value `json:"rule"`
}

type segmentVersions struct {
	Versions []segmentVersion `json:"versions"`
	Next     string           `json:"next_cursor,omitempty"`
}

func (s *System) segmentVersionsAPI(w http.ResponseWriter, r *http.Request) error {
	var c web.Check
	q := r.URL.Query()
	limit, before := limitOf(q, &c), below(q.Get("cursor"), &c)
	if err := c.Err(); err != nil {
		return err
	}
	all, err := store.Read(r.Context(), s.DB, func(tx *store.Tx) ([]Version, error) {
		return SegmentHistory(tx, r.PathValue("name"), before, limit+1)
	})
	if err != nil {
		return err
	}
	out := segmentVersions{Versions: []segmentVersion{}}
	if len(all) > limit {
		all = all[:limit]
		out.Next = strconv.Itoa(all[limit-1].Number)
	}
	for _, v := range all {
		out.Versions = append(out.Versions, segmentVersion{v.Number, v.Act, v.By, v.At, v.Comment, jsontext.Value(v.Definition)})
	}
	return web.JSON(w, http.StatusOK, out)
}
