package ops

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"seaworthy/app/audit/verify"
)

// VerifyAudit are the options of `seaworthy audit verify`.
type VerifyAudit struct {
	Target      string   // a database file, a folder of tiles, a .zip bundle, a .tlog-proof or an address
	Keys        []string // verifier keys that are trusted
	Checkpoints []string // files with checkpoints that were kept
	Token       string   // API key for the entries of a log at an address
}

// ErrAuditBad says that the log is not what was recorded.
var ErrAuditBad = errors.New("the audit log is not what was recorded")

// Run verifies and writes what it found.
func (v VerifyAudit) Run(ctx context.Context, out io.Writer) error {
	o := verify.Options{Keys: v.Keys}
	for _, path := range v.Checkpoints {
		note, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		o.Checkpoints = append(o.Checkpoints, note)
	}
	started := time.Now()
	r, err := v.verify(ctx, o)
	if err != nil {
		return err
	}
	line := func(name, format string, args ...any) {
		fmt.Fprintf(out, "%-8s %s\n", name, fmt.Sprintf(format, args...))
	}
	if r.Origin != "" {
		line("log", "%s", r.Origin)
	}
	for _, k := range r.SignedBy {
		line("signed", "by %s", k)
	}
	if r.OK() && len(r.SignedBy) == 0 {
		line("signed", "not yet: the events agree among each other, nothing vouches for them")
	}
	line("checked", "%d events of %d in %s", r.Events, r.Size, time.Since(started).Round(time.Millisecond))
	if r.Dropped > 0 {
		line("", "%d of them have lost their details to retention; their place in the tree is right", r.Dropped)
	}
	if len(r.SignedBy) > 0 && !r.Pinned {
		line("note", "the key came with the log itself; to be sure, give the one you kept with --key")
	}
	if r.OK() {
		line("OK", "nothing was changed, nothing is missing")
		return nil
	}
	if r.BadSeq > 0 {
		line("BAD", "event %d: %s", r.BadSeq, r.Problem)
	} else {
		line("BAD", "%s", r.Problem)
	}
	return ErrAuditBad
}

// verify chooses by what the target is.
func (v VerifyAudit) verify(ctx context.Context, o verify.Options) (verify.Report, error) {
	if prefix := v.Target; strings.HasPrefix(prefix, "http://") || strings.HasPrefix(prefix, "https://") {
		if !strings.Contains(prefix, "/-/audit/log") {
			prefix = strings.TrimSuffix(prefix, "/") + "/-/audit/log"
		}
		return verify.Tiles(ctx, verify.NewWeb(prefix, v.Token), o)
	}
	info, err := os.Stat(v.Target)
	if err != nil {
		return verify.Report{}, err
	}
	switch {
	case info.IsDir():
		return verify.Tiles(ctx, verify.Folder(v.Target), o)
	case strings.HasSuffix(v.Target, ".zip"):
		return verify.Bundle(ctx, v.Target, o)
	case strings.HasSuffix(v.Target, ".tlog-proof"):
		text, err := os.ReadFile(v.Target)
		if err != nil {
			return verify.Report{}, err
		}
		if len(o.Keys) == 0 {
			return verify.Report{}, errors.New("a proof needs the log's verifier key: give it with --key")
		}
		r, _, err := verify.Proof(text, o)
		return r, err
	}
	return verify.File(ctx, v.Target, o)
}
