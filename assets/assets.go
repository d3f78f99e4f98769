// Package assets embeds what is not Go: pages, mail templates, styles, scripts
// and icons. It holds files only.
package assets

import "embed"

// FS has pages/<system>/, mail/<system>/, css/, js/ and icons/.
//
//go:embed all:pages all:mail all:css all:js all:icons
var FS embed.FS
