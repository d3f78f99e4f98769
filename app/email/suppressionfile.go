package email

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"seaworthy/app/audit"
	"seaworthy/app/web"
	"seaworthy/store"
)

// The bounds of an import: bytes, lines, and faults that are told one by one.
const maxImport, maxLines, maxFaults = 1 << 20, 20_000, 50

// importSlice is how many addresses are added in one transaction, exportSlice how
// many are read in one.
const importSlice, exportSlice = 500, 500

// fault is a line that is no address.
type lineFault struct {
	Line int    `json:"line"`
	Text string `json:"text"`
}

// imported is what became of an import.
type imported struct {
	Added   int         `json:"added"`
	Known   int         `json:"known"` // suppressed already
	Refused int         `json:"refused"`
	Faults  []lineFault `json:"faults,omitempty"` // the first of those refused
}

// columns are what other providers' exports call the address.
var columns = map[string]bool{"email": true, "address": true, "emailaddress": true, "email_address": true, "recipient": true, "email address": true}

// readAddresses reads CSV whose head names a column of addresses, or addresses one a
// line. It normalises them, leaves out repeats and tells what is none.
func readAddresses(raw []byte) (all []string, faults []lineFault, refused int, err error) {
	raw = bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))
	if !utf8.Valid(raw) {
		return nil, nil, 0, web.BadRequest("encoding", "The list is not text in UTF-8.")
	}
	rows := csv.NewReader(bufio.NewReader(bytes.NewReader(raw)))
	rows.FieldsPerRecord, rows.LazyQuotes, rows.TrimLeadingSpace, rows.ReuseRecord = -1, true, true, true
	if head, _, _ := bytes.Cut(raw, []byte("\n")); bytes.Count(head, []byte(";")) > bytes.Count(head, []byte(",")) {
		rows.Comma = ';'
	}
	column, first, seen := 0, true, map[string]bool{}
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return all, faults, refused, nil
		}
		if err != nil {
			return nil, nil, 0, web.BadRequest("malformed_csv", "The list is neither CSV nor one address a line: "+err.Error()+".")
		}
		line, _ := rows.FieldPos(0)
		if line > maxLines {
			return nil, nil, 0, web.BadRequest("too_many", "At most "+strconv.Itoa(maxLines)+" lines are taken at once. Send the rest in another request.")
		}
		if first {
			first = false
			if at := headOf(row); at >= 0 {
				column = at
				continue
			}
		}
		if len(row) == 1 && strings.TrimSpace(row[0]) == "" {
			continue
		}
		text := ""
		if column < len(row) {
			text = row[column]
		}
		norm, ok := normalAddress(text)
		switch {
		case !ok:
			refused++
			if len(faults) < maxFaults {
				faults = append(faults, lineFault{line, web.CleanText(text, 80)})
			}
		case !seen[norm]:
			seen[norm] = true
			all = append(all, norm)
		}
	}
}

// headOf is the column of addresses that a head names; -1 if it is no head.
func headOf(row []string) int {
	for i, name := range row {
		if columns[strings.ToLower(strings.TrimSpace(name))] {
			return i
		}
	}
	return -1
}

// importAll adds addresses in slices. Each slice is durable on its own, and adding
// one twice changes nothing, so an import that was cut off is simply sent again.
func (s *System) importAll(ctx context.Context, raw []byte, scope, category string) (out imported, err error) {
	model := newSuppression{Address: "a@example.com", Scope: scope, Category: category}
	if err := model.check(); err != nil {
		return out, err
	}
	all, faults, refused, err := readAddresses(raw)
	if err != nil {
		return out, err
	}
	out.Faults, out.Refused = faults, refused
	if len(all) == 0 {
		return out, web.Invalid(web.Field{Field: "addresses", Code: "required", Message: "There is no address in this list."})
	}
	for start := 0; start < len(all); start += importSlice {
		some := all[start:min(start+importSlice, len(all))]
		added, err := store.Write(ctx, s.DB, func(tx *store.Tx) (int, error) { return s.importSome(tx, some, model) })
		if err != nil {
			return out, err
		}
		out.Added += added
		out.Known += len(some) - added
	}
	return out, nil
}

func (s *System) importSome(tx *store.Tx, some []string, model newSuppression) (added int, err error) {
	for _, norm := range some {
		p := Suppression{Address: norm, Hash: s.addressHash(norm), Scope: Scope(model.Scope), Category: model.Category, Reason: "manual", By: web.IdentityOf(tx.Context()).Actor()}
		_, fresh, err := s.suppress(tx, p)
		if err == nil && fresh {
			err = noteHeld(tx, p)
		}
		if err != nil {
			return 0, err
		}
		added += oneIf(fresh)
	}
	return added, s.Audit.Record(tx, audit.Event{Action: actImported, Details: map[string]any{"added": added, "known": len(some) - added, "scope": model.Scope, "category": model.Category}})
}

func (s *System) importAPI(w http.ResponseWriter, r *http.Request) error {
	raw, _, err := web.ReadBody(r, "text/csv", "text/plain")
	if err != nil {
		return err
	}
	out, err := s.importAll(r.Context(), raw, r.URL.Query().Get("scope"), r.URL.Query().Get("category"))
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, out)
}

// exportSuppressions writes all that hold as CSV, in slices. Taking a copy of
// people's addresses is recorded before it begins.
func (s *System) exportSuppressions(w http.ResponseWriter, r *http.Request) error {
	if err := s.DB.Write(r.Context(), func(tx *store.Tx) error { return s.Audit.Record(tx, audit.Event{Action: actExported}) }); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="suppressions.csv"`)
	w.Header().Set("Cache-Control", "no-store")
	out := csv.NewWriter(w)
	if err := out.Write([]string{"address", "scope", "category", "reason", "created_at"}); err != nil {
		return nil // who asked went away
	}
	for after := ""; ; {
		some, err := store.Read(r.Context(), s.DB, func(tx *store.Tx) ([]Suppression, error) { return suppressionsFrom(tx, after, exportSlice) })
		if err != nil {
			panic(http.ErrAbortHandler) // half a list must not look like a whole one
		}
		for _, p := range some {
			after = p.ID
			if p.Address == "" {
				continue // erased: what is left serves nobody elsewhere
			}
			out.Write([]string{plainCell(p.Address), string(p.Scope), plainCell(p.Category), p.Reason, p.Created.Format(time.RFC3339)})
		}
		if out.Flush(); out.Error() != nil || len(some) < exportSlice {
			return nil
		}
	}
}

// plainCell keeps spreadsheets from taking an address for a formula; "-" and "+" are
// left, since addresses begin with them and both need more than an address to do harm.
func plainCell(s string) string {
	if strings.HasPrefix(s, "=") || strings.HasPrefix(s, "@") {
		return "'" + s
	}
	return s
}
