// Package pack packs the source of this module for a release, so that stacks of its errors show the
// lines they are about. The program itself does not link it; .ci/build runs it.
package pack

import (
	"bytes"
	"fmt"
	"go/scanner"
	"go/token"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/andybalholm/brotli"
)

// left are folders whose files are not packed: they are no part of the server, or of development only.
var left = map[string]bool{"app/apptest": true, "examples": true, "testdata": true, "app/billing/stripesim": true, "app/auth/standin": true,
	"app/bench": true, "app/command": true, "app/ops/install": true, "app/docs": true, "app/observe/source/pack": true}

// Pack writes the Go files of a module, without tests and without the modules within it: each as
// "name\tsize\n" and its text, all in one brotli stream (RFC 7932) of a quality from 0 to 11. Lines that
// are a comment and nothing else are emptied, which keeps the numbers of the others.
func Pack(w io.Writer, module fs.FS, quality int) error {
	z := brotli.NewWriterOptions(w, brotli.WriterOptions{Quality: quality, LGWin: 24})
	err := fs.WalkDir(module, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return enter(module, name)
		}
		if path.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		text, err := fs.ReadFile(module, name)
		if err != nil {
			return err
		}
		text = bare(text)
		if _, err := fmt.Fprintf(z, "%s\t%d\n", name, len(text)); err != nil {
			return err
		}
		_, err = z.Write(text)
		return err
	})
	if err != nil {
		return fmt.Errorf("pack the source: %w", err)
	}
	return z.Close()
}

// enter says which folders are left out.
func enter(module fs.FS, name string) error {
	if name == "." {
		return nil
	}
	base := path.Base(name)
	if left[name] || left[base] || strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") {
		return fs.SkipDir
	}
	if _, err := fs.Stat(module, name+"/go.mod"); err == nil {
		return fs.SkipDir
	}
	return nil
}

// bare empties lines that are a comment and nothing else.
func bare(text []byte) []byte {
	lines := bytes.Split(text, []byte("\n"))
	files := token.NewFileSet()
	file := files.AddFile("", files.Base(), len(text))
	var s scanner.Scanner
	s.Init(file, text, nil, scanner.ScanComments)
	for {
		at, kind, words := s.Scan()
		if kind == token.EOF {
			return bytes.Join(lines, []byte("\n"))
		}
		n := file.Line(at)
		if kind == token.COMMENT && strings.HasPrefix(words, "//") && bytes.HasPrefix(bytes.TrimLeft(lines[n-1], " \t"), []byte("//")) {
			lines[n-1] = nil
		}
	}
}
