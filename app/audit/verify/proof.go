package verify

import (
	"archive/zip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"seaworthy/app/audit/merkle"
)

// Extra is what our proofs carry beside the hashes, as JSON: the event itself and
// its personal data, so that one file can be checked alone.
type Extra struct {
	Seq         int64    `json:"seq"`
	Body        string   `json:"body"`                  // exactly as it was hashed
	Disclosures []string `json:"disclosures,omitempty"` // RFC 9901; their digests are in the body
}

// Proof verifies a .tlog-proof file of ours, and returns the event it proves.
func Proof(text []byte, o Options) (Report, Extra, error) {
	var r Report
	extra, err := r.proof(text, o)
	return r, extra, r.conclude(err)
}

func (r *Report) proof(text []byte, o Options) (Extra, error) {
	var e Extra
	p, err := merkle.ParseProof(text)
	if err != nil {
		return e, wrong(0, "%v", err)
	}
	if json.Unmarshal(p.Extra, &e) != nil || e.Body == "" {
		return e, wrong(0, "the proof does not carry the event it is about")
	}
	r.Pinned = true
	c, err := o.open(p.Checkpoint)
	if err != nil {
		return e, wrong(e.Seq, "its checkpoint is not signed by a known key: %v", err)
	}
	r.Origin, r.Size, r.Root, r.SignedBy = c.Origin, c.Size, c.Root, c.Keys
	if _, err := p.Verify([]byte(e.Body), o.Keys...); err != nil {
		return e, wrong(e.Seq, "%v", err)
	}
	for _, item := range e.Disclosures {
		if !disclosed([]byte(e.Body), []byte(item)) {
			return e, wrong(e.Seq, "personal data beside it is not what was recorded")
		}
	}
	r.Events++
	return e, nil
}

// The names in a bundle of proofs.
const (
	BundleKeys   = "keys"
	BundleProofs = "proofs/"
)

// maxProof bounds one proof in a bundle, in bytes.
const maxProof = 1 << 20

// Bundle verifies a ZIP file of proofs, as an export writes it, and that the
// events of an org in it have no gap between the first and the last.
func Bundle(ctx context.Context, path string, o Options) (Report, error) {
	var r Report
	z, err := zip.OpenReader(path)
	if err != nil {
		return r, fmt.Errorf("open the bundle: %w", err)
	}
	defer z.Close()
	return r, r.conclude(r.bundle(ctx, &z.Reader, o))
}

func (r *Report) bundle(ctx context.Context, z *zip.Reader, o Options) error {
	pinned := len(o.Keys) > 0
	if !pinned {
		text, err := readEntry(z, BundleKeys)
		if err != nil {
			return wrong(0, "no key was given, and the bundle holds none")
		}
		o.Keys = Lines(text)
	}
	org, last, whole := "", int64(0), false
	if text, err := readEntry(z, "export.json"); err == nil {
		var about struct {
			Org      string `json:"org"`
			Complete bool   `json:"complete"`
		}
		whole = json.Unmarshal(text, &about) == nil && about.Org != "" && about.Complete
		org = about.Org
	}
	names := proofNames(z)
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return err
		}
		text, err := readEntry(z, name)
		if err != nil {
			return wrong(0, "%s cannot be read: %v", name, err)
		}
		extra, err := r.proof(text, o)
		if err != nil {
			return err
		}
		var b struct {
			Org    string `json:"org"`
			OrgSeq int64  `json:"org_seq"`
		}
		if json.Unmarshal([]byte(extra.Body), &b) != nil {
			return wrong(extra.Seq, "its body is no event")
		}
		if whole && (b.Org != org || last != 0 && b.OrgSeq != last+1) {
			return wrong(extra.Seq, "it is number %d of %s, the one before is number %d", b.OrgSeq, b.Org, last)
		}
		last = b.OrgSeq
	}
	r.Pinned = pinned
	if len(names) == 0 {
		return wrong(0, "the bundle holds no proof")
	}
	return nil
}

// proofNames are the proofs in a bundle, in the order of the log.
func proofNames(z *zip.Reader) []string {
	var names []string
	for _, f := range z.File {
		if strings.HasPrefix(f.Name, BundleProofs) && strings.HasSuffix(f.Name, ".tlog-proof") {
			names = append(names, f.Name)
		}
	}
	slices.Sort(names)
	return names
}

func readEntry(z *zip.Reader, name string) ([]byte, error) {
	f, err := z.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxProof+1))
	if err == nil && len(data) > maxProof {
		err = errors.New("it is too large")
	}
	return data, err
}
