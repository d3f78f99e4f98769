package audit

import (
	"archive/zip"
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"seaworthy/app/audit/verify"
	"seaworthy/store"
)

// exportPage is how many events an export reads at once.
const exportPage = 500

// sink is a format being written.
type sink interface {
	event(tx *store.Tx, e Entry) error
	close() error
}

// counted counts and hashes what goes through it.
type counted struct {
	w io.Writer
	h hash.Hash
	n int64
}

func (c *counted) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.h.Write(p[:n])
	c.n += int64(n)
	return n, err
}

// write makes the file of an export and returns the export as it then is.
func (s *System) write(ctx context.Context, e Export) (Export, error) {
	tmp := s.path(e) + ".tmp"
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return e, err
	}
	defer os.Remove(tmp) // gone already when all went well
	defer f.Close()
	buffer := bufio.NewWriterSize(f, 1<<20)
	out := &counted{w: buffer, h: sha256.New()}
	to, err := s.sinkFor(ctx, e, out)
	if err != nil {
		return e, err
	}
	if e.Events, err = s.pour(ctx, e.Filter, to); err != nil {
		return e, err
	}
	if err := errors.Join(to.close(), buffer.Flush(), f.Sync(), f.Close()); err != nil {
		return e, err
	}
	e.State, e.Bytes, e.SHA256 = "ready", out.n, hex.EncodeToString(out.h.Sum(nil))
	return e, os.Rename(tmp, s.path(e))
}

// sinkFor begins the file in its format.
func (s *System) sinkFor(ctx context.Context, e Export, out io.Writer) (sink, error) {
	switch e.Format {
	case "csv":
		return s.newCSV(out)
	case "ndjson":
		enc := json.NewEncoder(out)
		enc.SetEscapeHTML(false)
		return ndjson{enc}, nil
	case "bundle":
		return s.newBundle(ctx, e, out)
	}
	return nil, fmt.Errorf("there is no format %q", e.Format)
}

// pour hands the events of a filter to a sink, oldest first.
func (s *System) pour(ctx context.Context, f Filter, to sink) (n int64, err error) {
	f.Rising, f.Limit = true, exportPage
	for {
		if err := ctx.Err(); err != nil {
			return n, context.Cause(ctx)
		}
		read := 0
		err := s.DB.Read(ctx, func(tx *store.Tx) error {
			entries, err := List(tx, f)
			if err != nil {
				return err
			}
			read = len(entries)
			for _, e := range entries {
				if err := to.event(tx, e); err != nil {
					return err
				}
				f.After = e.Seq
				n++
			}
			return nil
		})
		if err != nil || read < exportPage {
			return n, err
		}
	}
}

type ndjson struct{ enc *json.Encoder }

func (n ndjson) event(_ *store.Tx, e Entry) error { return n.enc.Encode(e.json()) }
func (n ndjson) close() error                     { return nil }

type csvSink struct {
	s *System
	w *csv.Writer
}

var csvHead = []string{"time", "action", "title", "actor", "actor_email", "on_behalf_of", "targets", "ip", "user_agent", "org", "org_seq",
	"request_id", "session_id", "source", "occurred_at", "changes", "details", "personal", "id", "seq"}

func (s *System) newCSV(out io.Writer) (sink, error) {
	w := csv.NewWriter(out)
	return csvSink{s, w}, w.Write(csvHead)
}

func (c csvSink) event(_ *store.Tx, e Entry) error {
	var targets []string
	for _, t := range e.Targets {
		targets = append(targets, t.String())
	}
	personal := maps.Clone(e.Personal)
	for _, shown := range []string{"ip", "user_agent", "actor_email"} {
		delete(personal, shown)
	}
	occurred, behalf, orgSeq := "", "", ""
	if !e.Occurred.IsZero() {
		occurred = e.Occurred.Format(time.RFC3339Nano)
	}
	if e.OnBehalfOf != (Ref{}) {
		behalf = e.OnBehalfOf.String()
	}
	if e.OrgSeq > 0 {
		orgSeq = strconv.FormatInt(e.OrgSeq, 10)
	}
	row := []string{e.Time.Format(time.RFC3339Nano), string(e.Action), c.s.Title(e.Action), e.Actor.String(), e.ActorEmail, behalf,
		strings.Join(targets, " "), e.Personal["ip"], e.Personal["user_agent"], e.Org, orgSeq, e.RequestID, e.Session, e.Source, occurred,
		object(len(e.Changes), e.Changes), object(len(e.Details), e.Details), object(len(personal), personal), e.ID, strconv.FormatInt(e.Seq, 10)}
	for i := range row {
		row[i] = harmless(row[i])
	}
	return c.w.Write(row)
}

func (c csvSink) close() error {
	c.w.Flush()
	return c.w.Error()
}

// object is a map as JSON, "" when it is empty.
func object(n int, v any) string {
	if n == 0 {
		return ""
	}
	text, _ := json.Marshal(v)
	return string(text)
}

// harmless keeps a spreadsheet from taking a cell for a formula
// (https://owasp.org/www-community/attacks/CSV_Injection).
func harmless(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r\n", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}

// bundleSink writes a proof for each event into a ZIP file.
type bundleSink struct {
	z       *zip.Writer
	org     string
	missing bool // an event could not be proved, or stands in no unbroken order
	narrow  bool
	n       int64
	first   int64
	last    int64
	skipped []string
}

func (s *System) newBundle(ctx context.Context, e Export, out io.Writer) (sink, error) {
	b := &bundleSink{z: zip.NewWriter(out), org: e.Org, narrow: e.Filter.Narrow()}
	keys, err := store.Read(ctx, s.DB, VerifierKeys)
	if err != nil {
		return nil, err
	}
	// Whatever is signed by now is provable; the rest waits seconds, not here.
	if err := s.Checkpoint(ctx); err != nil {
		s.Logger.Warn("a bundle of proofs begins with an old checkpoint", "err", err)
	}
	if err := b.file(verify.BundleKeys, []byte(strings.Join(keys, "\n")+"\n")); err != nil {
		return nil, err
	}
	return b, b.file("README.txt", []byte(bundleReadme))
}

const bundleReadme = `Each file in proofs/ proves that one event is in the signed audit log (c2sp.org/tlog-proof).
Check all of them, without any network:

    seaworthy audit verify THIS.zip --key KEY

KEY is the log's verifier key; it is shown on the audit page, and the file "keys" repeats it. Take it
from the page, or from where you kept it: a key that comes with the proofs proves less.
`

func (b *bundleSink) file(name string, data []byte) error {
	w, err := b.z.Create(name)
	if err != nil {
		return err
	}
	_, err = w.Write(data)
	return err
}

func (b *bundleSink) event(tx *store.Tx, e Entry) error {
	p, err := proofOf(tx, e, everything)
	if errors.Is(err, errDropped) || errors.Is(err, errUnsigned) {
		b.missing = true
		b.skipped = append(b.skipped, fmt.Sprintf("%s (event %d)", e.ID, e.Seq))
		return nil
	}
	if err != nil {
		return err
	}
	if b.n++; b.first == 0 {
		b.first = e.Seq
	}
	b.last = e.Seq
	return b.file(fmt.Sprintf("%s%012d.tlog-proof", verify.BundleProofs, e.Seq), []byte(p.String()))
}

func (b *bundleSink) close() error {
	about, err := json.MarshalIndent(map[string]any{"org": b.org, "complete": b.org != "" && !b.missing && !b.narrow,
		"events": b.n, "first_seq": b.first, "last_seq": b.last, "not_provable": slices.Clip(b.skipped)}, "", "  ")
	if err != nil {
		return err
	}
	return errors.Join(b.file("export.json", append(about, '\n')), b.z.Close())
}
