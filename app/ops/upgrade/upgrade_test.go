package upgrade

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"seaworthy/app/ops/minisign"
)

func TestGoodUpgrade(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	release := newSigner(t, "release1")
	file := b.file("version=1.2.0")
	release.sign(t, file, "seaworthy 1.2.0")
	pid, wrote := b.serves()
	u := b.upgrade(file)
	u.Keys = []minisign.Key{newSigner(t, "release2").key(t), release.key(t)}
	b.must(u.Run(t.Context()))
	if b.version(b.binary) != "1.2.0" || b.version(b.binary+".old") != "1.1.0" || b.version(b.binary+".new") != "" {
		t.Errorf("in place %s, old %s, new %s", b.version(b.binary), b.version(b.binary+".old"), b.version(b.binary+".new"))
	}
	if want := []string{StepCopy, StepVerify, StepSelfTest, StepRehearse, StepKeep, StepSwap, StepSync, StepReload, StepWait}; !slices.Equal(b.steps, want) {
		t.Errorf("steps %v", b.steps)
	}
	for _, w := range []string{"signed by key " + release.key(t).ID() + ": seaworthy 1.2.0", "release 1.2.0 in place of 1.1.0", "passes its self-test", fmt.Sprintf("process %d serves with it", pid)} {
		if !strings.Contains(b.out.String(), w) {
			t.Errorf("it does not say %q:\n%s", w, b.out.String())
		}
	}
	if !strings.Contains(wrote(), "serves 1.2.0") {
		t.Errorf("the server: %s", wrote())
	}
	if info, err := os.Stat(b.binary); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}

	// And back.
	u = b.upgrade("")
	b.must(u.Rollback(t.Context()))
	if b.version(b.binary) != "1.1.0" || b.version(b.binary+".old") != "1.2.0" || !strings.Contains(wrote(), "gives") && strings.Count(wrote(), "serves 1.1.0") != 2 {
		t.Errorf("in place %s, old %s; the server: %s", b.version(b.binary), b.version(b.binary+".old"), wrote())
	}
}

func TestUnsignedFileIsRefusedWhereAKeyIsConfigured(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	u := b.upgrade(b.file("version=1.2.0"))
	u.Keys = []minisign.Key{newSigner(t, "release1").key(t)}
	b.refuses(u, "there is no signature", ".minisig", "only signed files are installed")
	if unsigned := (*UnsignedError)(nil); !errors.As(u.Run(t.Context()), &unsigned) {
		t.Error("the error is of another kind")
	}
}

func TestWithoutAKeyItSaysThatNothingWasVerified(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.must(b.upgrade(b.file("version=1.2.0")).Run(t.Context()))
	if !strings.Contains(b.out.String(), "no signature was verified") {
		t.Error(b.out.String())
	}
	if !strings.Contains(b.out.String(), "No server runs") {
		t.Error(b.out.String())
	}
}

func TestBadSignature(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	file := b.file("version=1.2.0")
	stranger := newSigner(t, "release1")
	stranger.sign(t, file, "seaworthy 1.2.0")
	u := b.upgrade(file)
	// The key that is trusted bears the same number.
	u.Keys = []minisign.Key{newSigner(t, "release1").key(t)}
	b.refuses(u, "the signature is not that of this file")
	u.Keys = []minisign.Key{newSigner(t, "release2").key(t)}
	b.refuses(u, "which is not among those that are trusted")
	b.must(os.WriteFile(file+".minisig", []byte("no signature"), 0o644))
	b.refuses(u, "this is no signature of minisign")
	if slices.Contains(b.steps, StepSelfTest) {
		t.Error("it was run all the same")
	}
}

func TestTamperedFile(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	file := b.file("version=1.2.0")
	release := newSigner(t, "release1")
	release.sign(t, file, "seaworthy 1.2.0")
	b.file("version=1.2.0 serve=evil")
	u := b.upgrade(file)
	u.Keys = []minisign.Key{release.key(t)}
	b.refuses(u, "the signature is not that of this file")
}

func TestOlderVersion(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.refuses(b.upgrade(b.file("version=1.0.9")), "release 1.0.9, older than 1.1.0", "--allow-older")
	b.refuses(b.upgrade(b.file("version=dev-0123456789ab")), "which is no release", "--allow-older")
	b.refuses(b.upgrade(b.file("version=1.1.0-rc.1")), "older than 1.1.0")
	u := b.upgrade(b.file("version=1.0.9"))
	u.AllowOlder = true
	b.must(u.Run(t.Context()))
	if b.version(b.binary) != "1.0.9" {
		t.Error(b.version(b.binary))
	}
}

func TestWrongArch(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	file := b.file("version=1.2.0")
	text, err := os.ReadFile(file)
	b.must(err)
	text[18], text[19] = 183, 0 // e_machine: arm64
	if runtime.GOARCH == "arm64" {
		text[18] = 62
	}
	b.write(file, text)
	b.refuses(b.upgrade(file), "it is for another processor", runtime.GOARCH)
}

func TestAnotherProgram(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	file := filepath.Join(b.dir, "download")
	for what, content := range map[string]func() []byte{
		"it is no program for Linux": func() []byte { return []byte("#!/bin/sh\necho seaworthy 9.9.9\n") },
		"it is another program":      func() []byte { return b.read("/bin/true") },
		"it is no program":           func() []byte { return nil },
	} {
		b.write(file, content())
		b.refuses(b.upgrade(file), what)
	}
	u := b.upgrade(b.file("version=1.2.0"))
	u.Program = "example.com/another"
	b.refuses(u, "it is another program")
	b.refuses(b.upgrade(filepath.Join(b.dir, "none")), "no such file")
	b.refuses(b.upgrade(b.dir), "is no file")
}

func (b *bed) read(path string) []byte {
	b.t.Helper()
	text, err := os.ReadFile(path)
	b.must(err)
	return text
}

func TestSelfTestFails(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.refuses(b.upgrade(b.file("version=1.2.0 selftest=fails")), "fails its self-test", "evaluate a flag", "nothing was changed")
}

// A binary that hangs is ended, with all that it started.
func TestSelfTestHangs(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	u := b.upgrade(b.file("version=1.2.0 selftest=hangs"))
	ctx, cancel := context.WithCancel(t.Context())
	u.Step = func(what string) {
		if what == StepSelfTest {
			time.AfterFunc(50*time.Millisecond, cancel)
		}
	}
	if err := u.Run(ctx); err == nil {
		t.Error("it was installed")
	}
	b.untouched()
}

func TestMigrateCheckFails(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.must(os.WriteFile(filepath.Join(b.data, "seaworthy.db"), nil, 0o600))
	b.refuses(b.upgrade(b.file("version=1.2.0 migrate=fails")), "cannot take over the database", "no such column", "nothing was changed")
}

func TestDryRun(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	u := b.upgrade(b.file("version=1.2.0"))
	u.DryRun = true
	b.must(u.Run(t.Context()))
	b.untouched()
	if !slices.Contains(b.steps, StepRehearse) || !strings.Contains(b.out.String(), "Nothing was changed") {
		t.Errorf("%v\n%s", b.steps, b.out.String())
	}
}

func TestNoReload(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	pid, wrote := b.serves()
	u := b.upgrade(b.file("version=1.2.0"))
	u.NoReload = true
	b.must(u.Run(t.Context()))
	if !strings.Contains(b.out.String(), fmt.Sprintf("kill -HUP %d", pid)) || strings.Contains(wrote(), "1.2.0") {
		t.Errorf("%s\n%s", b.out.String(), wrote())
	}
}
