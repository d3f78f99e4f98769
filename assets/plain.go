//go:build !packed

package assets

import (
	"embed"
	"io/fs"
)

//go:embed all:pages all:mail all:guide all:css all:js all:icons
var embedded embed.FS

// FS has pages/<system>/, mail/<system>/, guide/, css/, js/ and icons/.
var FS fs.FS = embedded
