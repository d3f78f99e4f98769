// Package upgrade puts another binary in the place of the installed one: what it is and who
// signed it is checked, it is tried, then it is swapped in by one rename, and the server that
// runs goes on with it (spec/storage.md section 4).
package upgrade

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"seaworthy/app/handover"
	"seaworthy/app/ops/minisign"
)

// Upgrade is one upgrade by a file. File, Binary and Out are needed.
type Upgrade struct {
	File       string
	Signature  string         // path; File with .minisig behind it if empty
	Keys       []minisign.Key // that are trusted; without any nothing is verified
	Binary     string         // the installed binary
	Data       string         // the data folder; it need not be there
	Version    string         // that is installed, "" to ask the binary
	Program    string         // path of the program's main package, as "seaworthy"
	Unit       string         // of systemd, under which the server may run
	AllowOlder bool
	DryRun     bool // everything but the swap
	NoReload   bool // the server that runs is left alone
	Wait       time.Duration
	Out        io.Writer

	// Step is told what is done next, before it is; nobody if nil.
	Step func(what string)
}

// The steps in their order, as Step is told of them.
const (
	StepCopy     = "copy"     // the file is written beside the binary
	StepVerify   = "verify"   // who signed it, and what it is
	StepSelfTest = "selftest" // it is run on a database of its own
	StepRehearse = "rehearse" // it migrates a copy of the database
	StepKeep     = "keep"     // the installed binary gets the name of the old one
	StepSwap     = "swap"     // the new one gets its place
	StepSync     = "sync"     // the folder is written to the disk
	StepReload   = "reload"   // the server is asked to go on with it
	StepWait     = "wait"     // until it does
)

// New is where the file lies beside the binary until it takes its place.
func New(binary string) string { return binary + ".new" }

func (u *Upgrade) step(what string) {
	if u.Step != nil {
		u.Step(what)
	}
}

func (u *Upgrade) say(format string, args ...any) { fmt.Fprintf(u.Out, format+"\n", args...) }

// Run does it. Whatever goes wrong before the swap leaves the installed binary and the
// server as they were.
func (u *Upgrade) Run(ctx context.Context) error {
	u.Out = &printer{w: u.Out}
	place, err := hold(u.Binary)
	if err != nil {
		return err
	}
	defer place.release()
	running, err := u.find(ctx)
	if err != nil {
		return err
	}
	signature, err := u.readSignature()
	if err != nil {
		return err
	}
	u.step(StepCopy)
	fresh := New(u.Binary)
	swapped := false
	defer func() {
		if !swapped {
			os.Remove(fresh)
		}
	}()
	if err := place.stage(u.File, fresh); err != nil {
		return err
	}
	if err := u.examine(ctx, fresh, signature); err != nil {
		return err
	}
	if err := u.try(ctx, fresh); err != nil {
		return err
	}
	if u.DryRun {
		u.say("Nothing was changed: this was a dry run.")
		return nil
	}
	swapped, err = u.swap(place, fresh)
	if err != nil {
		return err
	}
	return u.goOn(ctx, running)
}

// swap keeps the installed binary as the old one and puts the new one in its place.
func (u *Upgrade) swap(place *place, fresh string) (swapped bool, err error) {
	u.step(StepKeep)
	if err := u.keep(); err != nil {
		return false, err
	}
	u.step(StepSwap)
	if err := os.Rename(fresh, u.Binary); err != nil {
		return false, fmt.Errorf("put the new binary in place: %w", err)
	}
	u.step(StepSync)
	if err := place.sync(); err != nil {
		return true, fmt.Errorf("write the folder of the binary to the disk: %w", err)
	}
	u.say("ok    %s is the new binary; the one before is %s", u.Binary, handover.Old(u.Binary))
	return true, nil
}

// keep gives the installed binary the name of the old one. If it could not start and the old
// one runs in its place, that stays the one to return to.
func (u *Upgrade) keep() error {
	old := handover.Old(u.Binary)
	now, err := os.Stat(u.Binary)
	if err != nil {
		return fmt.Errorf("keep the binary that is installed: %w", err)
	}
	if before, err := os.Stat(old); err == nil && (os.SameFile(now, before) || u.refused()) {
		return nil
	}
	// A second name and not a copy: it stays the file that the server is known by.
	tmp := old + ".tmp"
	os.Remove(tmp)
	if err := os.Link(u.Binary, tmp); err != nil {
		return fmt.Errorf("keep the binary that is installed: %w", err)
	}
	if err := os.Rename(tmp, old); err != nil {
		return errors.Join(fmt.Errorf("keep the binary that is installed: %w", err), os.Remove(tmp))
	}
	return nil
}

// refused reports whether the installed binary is one that could not start.
func (u *Upgrade) refused() bool {
	boot, err := u.boot()
	if err != nil || boot == nil {
		return false
	}
	id, err := handover.Identify(u.Binary)
	return err == nil && boot.Refused == id
}

// boot is what the data folder knows of binaries; nil where there is no folder.
func (u *Upgrade) boot() (*handover.Boot, error) {
	if u.Data == "" {
		return nil, nil
	}
	if _, err := os.Stat(u.Data); errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	return handover.ReadBoot(u.Data)
}

func (u *Upgrade) database() string { return filepath.Join(u.Data, "seaworthy.db") }

// printer drops what nobody can read any more: a terminal that is gone must not end an
// upgrade half way.
type printer struct{ w io.Writer }

func (p *printer) Write(b []byte) (int, error) {
	p.w.Write(b)
	return len(b), nil
}
