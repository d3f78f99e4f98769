package pack

import (
	"archive/zip"
	"compress/flate"
	"fmt"
	"io"
	"io/fs"
)

// Folders are those of assets that a release has in an archive: as assets/plain.go embeds them.
var Folders = []string{"pages", "mail", "guide", "css", "js", "icons"}

// Assets writes the folders of assets as a zip archive, without times, so that the same files make
// the same archive.
func Assets(w io.Writer, assets fs.FS) error {
	z := zip.NewWriter(w)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestCompression) })
	for _, folder := range Folders {
		err := fs.WalkDir(assets, folder, func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			raw, err := fs.ReadFile(assets, name)
			if err != nil {
				return err
			}
			f, err := z.Create(name)
			if err != nil {
				return err
			}
			_, err = f.Write(raw)
			return err
		})
		if err != nil {
			return fmt.Errorf("pack the assets: %w", err)
		}
	}
	return z.Close()
}
