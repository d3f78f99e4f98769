//go:build packed

package assets

import (
	"archive/zip"
	"bytes"
	_ "embed"
	"io/fs"
)

// zipped is made by .ci/build, which lays it over this folder.
//
//go:embed packed.zip
var zipped []byte

// FS has pages/<system>/, mail/<system>/, guide/, css/, js/ and icons/.
var FS fs.FS = archive()

func archive() fs.FS {
	r, err := zip.NewReader(bytes.NewReader(zipped), int64(len(zipped)))
	if err != nil {
		panic("this binary was built without its pages: " + err.Error())
	}
	return r
}
