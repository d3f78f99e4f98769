package upgrade

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/blake2b"

	"seaworthy/app/ops/minisign"
)

// program is the main package of the test, and so of its copies.
const program = "seaworthy/app/ops/upgrade.test"

func notify(c chan os.Signal) { signal.Notify(c, syscall.SIGHUP) }

// bed is a folder with an installed release 1.1.0.
type bed struct {
	t      *testing.T
	dir    string
	binary string
	data   string
	out    bytes.Buffer
	steps  []string
}

func newBed(t *testing.T) *bed {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	b := &bed{t: t, dir: dir, binary: filepath.Join(dir, "bin", "seaworthy"), data: filepath.Join(dir, "data")}
	for _, folder := range []string{filepath.Dir(b.binary), b.data} {
		b.must(os.Mkdir(folder, 0o755))
	}
	b.make(b.binary, "version=1.1.0")
	return b
}

func (b *bed) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// make writes a copy of this program that behaves as the script says. It is a link where
// the file systems allows it, but for its end; 20 MB are soon copied.
func (b *bed) make(path, script string) string {
	b.t.Helper()
	self, err := os.ReadFile("/proc/self/exe")
	b.must(err)
	b.write(path, append(self, (mark+script+" ")...))
	return path
}

// write makes a file that is to be run: no child of a test beside this one is started while
// it is open, as it could not be run until that child's exec.
func (b *bed) write(path string, text []byte) {
	b.t.Helper()
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	b.must(os.WriteFile(path, text, 0o755))
}

// file is a new release in a folder for downloads.
func (b *bed) file(script string) string {
	b.t.Helper()
	return b.make(filepath.Join(b.dir, "download"), script)
}

func (b *bed) upgrade(file string) *Upgrade {
	b.out.Reset()
	b.steps = nil
	return &Upgrade{File: file, Binary: b.binary, Data: b.data, Program: program, Wait: 10 * time.Second, Out: &b.out, Step: func(what string) { b.steps = append(b.steps, what) }}
}

// version is that of the binary at a path, "" if there is none.
func (b *bed) version(path string) string {
	b.t.Helper()
	s, _ := scriptOf(path)
	return s["version"]
}

// untouched wants everything as newBed has left it.
func (b *bed) untouched() {
	b.t.Helper()
	all, err := os.ReadDir(filepath.Dir(b.binary))
	b.must(err)
	if len(all) != 1 || b.version(b.binary) != "1.1.0" {
		b.t.Errorf("the folder of the binary was changed: %v, release %s", all, b.version(b.binary))
	}
}

func (b *bed) refuses(u *Upgrade, words ...string) {
	b.t.Helper()
	err := u.Run(b.t.Context())
	if err == nil {
		b.t.Fatalf("it was installed:\n%s", b.out.String())
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			b.t.Errorf("it does not say %q, but: %v", w, err)
		}
	}
	b.untouched()
}

// signer makes keys and signatures as minisign does; package minisign's own test has
// those that minisign itself has made.
type signer struct {
	private ed25519.PrivateKey
	id      string
}

func newSigner(t *testing.T, id string) signer {
	t.Helper()
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return signer{private, id}
}

func (s signer) key(t *testing.T) minisign.Key {
	t.Helper()
	k, err := minisign.ParseKey(base64.StdEncoding.EncodeToString(append([]byte("Ed"+s.id), s.private.Public().(ed25519.PublicKey)...)))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func (s signer) sign(t *testing.T, file, comment string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	sum := blake2b.Sum512(text)
	one := ed25519.Sign(s.private, sum[:])
	two := ed25519.Sign(s.private, append(slices.Clone(one), comment...))
	out := fmt.Sprintf("untrusted comment: x\n%s\ntrusted comment: %s\n%s\n", base64.StdEncoding.EncodeToString(append([]byte("ED"+s.id), one...)), comment, base64.StdEncoding.EncodeToString(two))
	if err := os.WriteFile(file+".minisig", []byte(out), 0o644); err != nil {
		t.Fatal(err)
	}
}

// serves starts a server of the installed binary and returns how to ask what it wrote.
func (b *bed) serves() (pid int, wrote func() string) {
	b.t.Helper()
	log := filepath.Join(b.dir, "log")
	f, err := os.Create(log)
	b.must(err)
	cmd := exec.Command(b.binary, "serve", b.data, b.binary)
	cmd.Stdout, cmd.Stderr = f, f
	b.must(cmd.Start())
	b.must(f.Close())
	b.t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	wrote = func() string {
		text, err := os.ReadFile(log)
		b.must(err)
		return string(text)
	}
	for end := time.Now().Add(10 * time.Second); !strings.Contains(wrote(), "serves"); {
		if time.Now().After(end) {
			b.t.Fatal("the server does not serve")
		}
		runtime.Gosched()
	}
	return cmd.Process.Pid, wrote
}
