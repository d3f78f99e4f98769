package jobs

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"seaworthy/app/web"
	"seaworthy/store"
)

// Bounds of a batch.
const (
	maxBatch      = 1000
	maxBatchBytes = 5 << 20
)

const ndjson = "application/x-ndjson"

// batchMade are the jobs of a batch, in the order in which they were given.
type batchMade struct {
	Jobs []jobMade `json:"jobs"`
}

// item is one job of a batch, and where it stands: its line in NDJSON, its place in
// a list, from 1.
type item struct {
	at  int
	raw []byte
}

// items takes a batch apart.
func items(raw []byte, kind string) (all []item, err error) {
	if kind == ndjson {
		at := 0
		for line := range bytes.Lines(raw) {
			at++
			if line = bytes.TrimSpace(line); len(line) > 0 {
				all = append(all, item{at, line})
			}
		}
	} else if all, err = elements(raw); err != nil {
		return nil, err
	}
	switch {
	case len(all) == 0:
		return nil, web.BadRequest("empty_batch", "There is no job in this batch.")
	case len(all) > maxBatch:
		return nil, &web.Error{Status: http.StatusRequestEntityTooLarge, Code: "too_large", Public: fmt.Sprintf("At most %d jobs fit into a batch.", maxBatch)}
	}
	return all, nil
}

// elements are those of a JSON list.
func elements(raw []byte) (all []item, err error) {
	malformed := web.BadRequest("malformed_json", "The body is not a JSON list of jobs in UTF-8.")
	d := jsontext.NewDecoder(bytes.NewReader(raw))
	if t, err := d.ReadToken(); err != nil || t.Kind() != '[' {
		return nil, malformed
	}
	for d.PeekKind() != ']' {
		v, err := d.ReadValue()
		if err != nil {
			return nil, malformed
		}
		all = append(all, item{len(all) + 1, v.Clone()})
		if len(all) > maxBatch {
			return all, nil // too many, whatever follows
		}
	}
	if _, err := d.ReadToken(); err != nil || len(bytes.TrimSpace(raw[d.InputOffset():])) > 0 {
		return nil, malformed
	}
	return all, nil
}

// fault says which job of a batch an error is about.
func (i item) fault(err error) error {
	var e *web.Error
	if !errors.As(err, &e) || e.Status >= 500 {
		return err
	}
	named := *e
	named.Public = "Job " + strconv.Itoa(i.at) + ": " + e.Public
	named.Fields = nil
	for _, f := range e.Fields {
		f.Field = strconv.Itoa(i.at) + "." + f.Field
		named.Fields = append(named.Fields, f)
	}
	return &named
}

// checkBatch checks every job of a batch, and stops at the first that is wrong.
func checkBatch(all []item, key string, now time.Time) ([]newJob, error) {
	jobs := make([]newJob, len(all))
	for i, one := range all {
		in, err := web.DecodeJSON[jobInput](one.raw)
		if err == nil {
			jobs[i], err = in.check(one.raw, now)
		}
		if err == nil && key != "" && in.Idempotency != "" {
			err = web.BadRequest("bad_idempotency_key", "The batch has an Idempotency-Key, so that its jobs cannot have their own.")
		}
		if err != nil {
			return nil, one.fault(err)
		}
	}
	return jobs, nil
}

func (s *System) batchAPI(w http.ResponseWriter, r *http.Request) error {
	key, err := web.IdempotencyKey(r)
	if err != nil {
		return err
	}
	raw, kind, err := web.ReadBody(r, "application/json", ndjson)
	if err != nil {
		return err
	}
	all, err := items(raw, kind)
	if err != nil {
		return err
	}
	jobs, err := checkBatch(all, key, s.DB.Now())
	if err != nil {
		return err
	}
	src := source(r, "api")
	if key != "" {
		// Each job is known by the batch's key and its place in it.
		src = source(r, "batch")
		whole := fingerprint(raw)
		for i := range jobs {
			jobs[i].Idempotency, jobs[i].fingerprint = key+" "+strconv.Itoa(i), whole
		}
	}
	out, err := store.Write(r.Context(), s.DB, func(tx *store.Tx) (batchMade, error) {
		out, known := batchMade{}, targets{}
		for i, n := range jobs {
			made, err := s.enqueue(tx, known, n, src, n.Idempotency)
			if err != nil {
				return out, all[i].fault(err)
			}
			out.Jobs = append(out.Jobs, made)
		}
		return out, s.recordEnqueued(tx, out.Jobs)
	})
	if err != nil {
		return err
	}
	if out.replayed() {
		w.Header().Set("Idempotency-Replayed", "true")
	}
	return web.JSON(w, http.StatusCreated, out)
}

// replayed reports whether the whole batch came before.
func (b batchMade) replayed() bool {
	for _, m := range b.Jobs {
		if !m.replayed {
			return false
		}
	}
	return true
}
