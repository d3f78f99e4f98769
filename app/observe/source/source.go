// Package source finds lines of this program's own source, for the stacks of its errors:
// packed into a release (see package pack), or in the checkout it was built in.
package source

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/andybalholm/brotli"
)

// Bounds of what is read: our own files are far below them.
const (
	maxFile = 1 << 20 // bytes
	maxLine = 200     // bytes of a line that is shown
	// Around is how many lines are shown before a call, and as many after it.
	Around = 5
)

// Place is a line of a file, which is named from the root of the module on: "app/auth/signup.go".
type Place struct {
	File string
	Line int
}

// Line is a line of source near a place.
type Line struct {
	N    int
	Text string
	Here bool // the place itself
}

// errForm is a pack that was made by somebody else.
var errForm = errors.New("source: this is no packed source")

// Packed finds the lines around places in what pack.Pack made. Places that are not there are left
// out. It unpacks as far as it must, with a window of 4 MB, and holds nothing afterwards.
func Packed(packed []byte, places []Place) (map[Place][]Line, error) {
	if len(packed) == 0 || len(places) == 0 {
		return nil, nil
	}
	wanted := map[string][]Place{}
	for _, p := range places {
		wanted[p.File] = append(wanted[p.File], p)
	}
	found := map[Place][]Line{}
	for in := bufio.NewReaderSize(brotli.NewReader(bytes.NewReader(packed)), 64<<10); len(wanted) > 0; {
		name, size, err := header(in)
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		if wanted[name] == nil {
			if _, err := in.Discard(size); err != nil {
				return nil, fmt.Errorf("unpack %s: %w", name, err)
			}
			continue
		}
		text := make([]byte, size)
		if _, err := io.ReadFull(in, text); err != nil {
			return nil, fmt.Errorf("unpack %s: %w", name, err)
		}
		around(string(text), wanted[name], found)
		delete(wanted, name)
	}
	return found, nil
}

// header reads "name\tsize\n" in front of a file.
func header(in *bufio.Reader) (name string, size int, err error) {
	line, err := in.ReadSlice('\n')
	if err == io.EOF && len(line) == 0 {
		return "", 0, io.EOF
	}
	if err != nil {
		return "", 0, errForm
	}
	name, digits, ok := strings.Cut(strings.TrimSuffix(string(line), "\n"), "\t")
	size, err = strconv.Atoi(digits)
	if !ok || err != nil || size < 0 || size > maxFile {
		return "", 0, errForm
	}
	return name, size, nil
}

// around takes the lines around places out of a file.
func around(text string, places []Place, into map[Place][]Line) {
	lines := strings.Split(text, "\n")
	for _, p := range places {
		if p.Line < 1 || p.Line > len(lines) {
			continue
		}
		var some []Line
		for n := max(1, p.Line-Around); n <= min(len(lines), p.Line+Around); n++ {
			some = append(some, Line{N: n, Text: clip(strings.TrimRight(lines[n-1], "\r")), Here: n == p.Line})
		}
		into[p] = some
	}
}

func clip(s string) string {
	if len(s) <= maxLine {
		return s
	}
	return strings.ToValidUTF8(s[:maxLine], "") + "…"
}

// Checkout finds the lines around places in the folder of a module, in files that have not
// changed since a time: what was written after an error is not what failed. No link leads out of the
// folder.
func Checkout(folder string, places []Place, since time.Time) map[Place][]Line {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil
	}
	defer root.Close()
	found := map[Place][]Line{}
	files := map[string]string{}
	for _, p := range places {
		text, known := files[p.File]
		if !known {
			text = read(root, p.File, since)
			files[p.File] = text
		}
		if text != "" {
			around(text, []Place{p}, found)
		}
	}
	return found
}

// read is the text of a Go file, "" where there is none that may be shown.
func read(root *os.Root, name string, since time.Time) string {
	if filepath.Ext(name) != ".go" {
		return ""
	}
	f, err := root.Open(filepath.FromSlash(name))
	if err != nil {
		return ""
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxFile || info.ModTime().After(since) {
		return ""
	}
	text, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return ""
	}
	return string(text)
}
