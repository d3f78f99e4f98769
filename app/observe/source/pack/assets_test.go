package pack

import (
	"archive/zip"
	"bytes"
	"io/fs"
	"os"
	"testing"

	"seaworthy/assets"
)

// A release has each file that every other build embeds, and the same.
func TestAssetsAreAllPacked(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := Assets(&out, os.DirFS("../../../../assets")); err != nil {
		t.Fatal(err)
	}
	packed, err := zip.NewReader(bytes.NewReader(out.Bytes()), int64(out.Len()))
	if err != nil {
		t.Fatal(err)
	}
	files := 0
	err = fs.WalkDir(assets.FS, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		want, err := fs.ReadFile(assets.FS, name)
		if err != nil {
			return err
		}
		if got, err := fs.ReadFile(packed, name); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %d bytes of %d, %v", name, len(got), len(want), err)
		}
		return nil
	})
	if err != nil || files < 300 || files != len(packed.File) {
		t.Errorf("%d files, %d of them packed, %v", files, len(packed.File), err)
	}
}
