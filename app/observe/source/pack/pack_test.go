package pack_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"seaworthy/app/observe/source"
	"seaworthy/app/observe/source/pack"
)

const text = `package a

// Comment of its own.
func f() string {
	return ` + "`\n// no comment\n`" + ` // behind code
}
`

func packed(t *testing.T, files fstest.MapFS) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := pack.Pack(&b, files, 4); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Lines keep their numbers; those that only are a comment are empty, what looks like one is not.
func TestPackedSourceKeepsItsLines(t *testing.T) {
	t.Parallel()
	at := source.Place{File: "a/a.go", Line: 5}
	found, err := source.Packed(packed(t, fstest.MapFS{
		"a/a.go": {Data: []byte(text)}, "a/a_test.go": {Data: []byte("package a")}, "b/go.mod": {}, "b/b.go": {Data: []byte("package b")},
		"z.go": {Data: []byte("package z\n")}, "a/testdata/c.go": {Data: []byte("package c")}, "a/d.txt": {Data: []byte("d")},
	}), []source.Place{at, {File: "a/a_test.go", Line: 1}, {File: "b/b.go", Line: 1}, {File: "a/testdata/c.go", Line: 1}, {File: "z.go", Line: 1}, {File: "z.go", Line: 99}})
	if err != nil || len(found) != 2 {
		t.Fatalf("%v, %v", found, err)
	}
	lines := found[at]
	if len(lines) != 9 || lines[2].Text != "" || lines[2].N != 3 || !lines[4].Here || lines[5].Text != "// no comment" || !strings.HasSuffix(lines[6].Text, "// behind code") {
		t.Errorf("%+v", lines)
	}
	if z := found[source.Place{File: "z.go", Line: 1}]; z[0].Text != "package z" {
		t.Errorf("%+v", z)
	}
}

// What is built into a release: the whole program, within its bound.
func TestTheProgramPacks(t *testing.T) {
	t.Parallel()
	root, err := filepath.Abs("../../../..")
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := pack.Pack(&b, os.DirFS(root), 4); err != nil {
		t.Fatal(err)
	}
	if b.Len() > 1_000_000 { // of the quality that is quick to make; a release's is smaller by a third
		t.Errorf("the packed source takes %d bytes", b.Len())
	}
	at := source.Place{File: "main.go", Line: 1}
	found, err := source.Packed(b.Bytes(), []source.Place{at, {File: "store/writer.go", Line: 1}})
	if err != nil || len(found) != 2 {
		t.Errorf("%v, %v", found, err)
	}
}

// A checkout shows what was there when it failed, and nothing from outside of its folder.
func TestCheckout(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	folder := filepath.Join(dir, "module")
	now := time.Now()
	for name, at := range map[string]time.Time{"module/a.go": now.Add(-time.Hour), "module/new.go": now.Add(time.Hour), "outside.go": now.Add(-time.Hour), "module/key.pem": now.Add(-time.Hour)} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("../outside.go", filepath.Join(folder, "link.go")); err != nil {
		t.Fatal(err)
	}
	at := source.Place{File: "a.go", Line: 4}
	found := source.Checkout(folder, []source.Place{at, {File: "new.go", Line: 4}, {File: "../outside.go", Line: 4}, {File: "link.go", Line: 4}, {File: "key.pem", Line: 1}, {File: "none.go", Line: 1}}, now)
	if len(found) != 1 || len(found[at]) != 9 || !strings.HasPrefix(found[at][3].Text, "func f") {
		t.Errorf("%+v", found)
	}
}

// FuzzPacked: whatever is in place of the packed source, it is refused or read, never a panic.
func FuzzPacked(f *testing.F) {
	var b bytes.Buffer
	if err := pack.Pack(&b, fstest.MapFS{"a.go": {Data: []byte(text)}}, 4); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add([]byte("\x1b\x00"))
	f.Fuzz(func(t *testing.T, packed []byte) {
		found, _ := source.Packed(packed, []source.Place{{File: "a.go", Line: 5}})
		for _, lines := range found {
			if len(lines) > 2*source.Around+1 {
				t.Errorf("%d lines", len(lines))
			}
		}
	})
}

func BenchmarkPacked(b *testing.B) {
	var packed bytes.Buffer
	if err := pack.Pack(&packed, os.DirFS("../../../.."), 4); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if found, err := source.Packed(packed.Bytes(), []source.Place{{File: "store/writer.go", Line: 90}, {File: "main.go", Line: 5}}); err != nil || len(found) != 2 {
			b.Fatal(found, err)
		}
	}
}
