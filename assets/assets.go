// Package assets embeds what is not Go: pages, mail templates, styles, scripts
// and icons. It holds files only: as they are, or in a release, which is built with the tag
// packed, in an archive that is a third as large.
package assets

import _ "embed"

// Source is the source of the program itself, as pack.Pack makes it; empty but in a release, where
// .ci/build puts it in place of the empty file.
//
//go:embed source/source.br
var Source []byte
