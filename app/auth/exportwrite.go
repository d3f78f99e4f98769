package auth

import (
	"archive/zip"
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// ExportPart is what one system holds on a person: a file NAME.json in the
// export, a list of what Write hands to row, one after the other.
type ExportPart struct {
	Name  string
	About string // what it holds, for the file that explains the others
	Write func(ctx context.Context, user string, row func(any) error) error
}

// writeExport makes the file of an export, and returns its size and SHA-256.
func (s *System) writeExport(ctx context.Context, e Export) (size int64, sum string, err error) {
	if err := os.MkdirAll(s.Folder, 0o700); err != nil {
		return 0, "", err
	}
	tmp := s.exportPath(e.ID) + ".tmp"
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return 0, "", err
	}
	defer os.Remove(tmp) // gone already when all went well
	defer f.Close()
	buffer, hash := bufio.NewWriterSize(f, 1<<16), sha256.New()
	z := zip.NewWriter(io.MultiWriter(buffer, hash))
	if err := s.writeParts(ctx, z, e); err != nil {
		return 0, "", err
	}
	if err := errors.Join(z.Close(), buffer.Flush(), f.Sync()); err != nil {
		return 0, "", err
	}
	info, err := f.Stat()
	if err != nil {
		return 0, "", err
	}
	return info.Size(), hex.EncodeToString(hash.Sum(nil)), errors.Join(f.Close(), os.Rename(tmp, s.exportPath(e.ID)))
}

func (s *System) writeParts(ctx context.Context, z *zip.Writer, e Export) error {
	parts := slices.Concat(s.ownParts(), s.Exports)
	var about strings.Builder
	fmt.Fprintf(&about, "What %s holds on you, as of %s UTC. Times are UTC.\n\n", s.URL, s.DB.Now().Format("2 Jan 2006, 15:04"))
	for _, p := range parts {
		fmt.Fprintf(&about, "%-20s %s\n", p.Name+".json", p.About)
	}
	about.WriteString("\nPasswords, tokens and the secrets of keys are not in it: only their hashes are kept.\n")
	w, err := create(z, "README.txt", e)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(w, about.String()); err != nil {
		return err
	}
	for _, p := range parts {
		if w, err = create(z, p.Name+".json", e); err != nil {
			return err
		}
		if err := writePart(ctx, w, e.User, p); err != nil {
			return fmt.Errorf("%s: %w", p.Name, err)
		}
	}
	return nil
}

func create(z *zip.Writer, name string, e Export) (io.Writer, error) {
	return z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: e.Created})
}

// writePart writes a JSON array, a row a line, without holding it in memory.
func writePart(ctx context.Context, w io.Writer, user string, p ExportPart) error {
	before := "["
	err := p.Write(ctx, user, func(v any) error {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		var line bytes.Buffer
		line.WriteString(before + "\n")
		enc := json.NewEncoder(&line)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(v); err != nil {
			return err
		}
		before = ","
		line.Truncate(line.Len() - 1) // the encoder's newline
		_, err := w.Write(line.Bytes())
		return err
	})
	if err != nil {
		return err
	}
	end := "\n]\n"
	if before == "[" {
		end = "[]\n"
	}
	_, err = io.WriteString(w, end)
	return err
}
