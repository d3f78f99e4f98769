package email

import (
	"mime"
	"path"
	"regexp"
	"slices"
	"strings"

	"seaworthy/app/web"
)

// fileIn is a file that goes along. One with a content id is an image that the HTML
// shows as cid:<content_id>.
type fileIn struct {
	Name      string `json:"name"`
	Type      string `json:"type,omitempty"` // by the name if left out
	ContentID string `json:"content_id,omitempty"`
	Content   []byte `json:"content"` // base64
}

// Bounds of files. Providers take 10 to 40 MB of a whole message, in which a file is
// a third larger than it is.
const (
	maxFiles     = 20
	maxFileBytes = 18 << 20 // all of a request together
	sendBody     = 28 << 20 // of a request: files in base64, and the text
	largeSend    = 1 << 20  // a request beyond it waits for a place
)

// refusedFiles are what providers and mail servers refuse, because it is mostly malware.
var refusedFiles = []string{".ade", ".adp", ".bat", ".chm", ".cmd", ".com", ".cpl", ".dll", ".exe", ".hta", ".ins", ".isp", ".jar", ".js", ".jse", ".lib",
	".lnk", ".mde", ".msc", ".msi", ".msp", ".mst", ".pif", ".scr", ".sct", ".shb", ".sys", ".vb", ".vbe", ".vbs", ".vxd", ".wsc", ".wsf", ".wsh"}

var (
	typeForm      = regexp.MustCompile(`^[a-z0-9][a-z0-9!#$&^_.+-]{0,60}/[a-z0-9][a-z0-9!#$&^_.+-]{0,80}$`)
	contentIDForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._@-]{0,99}$`)
)

// check finds what is wrong with a file; field is its place in the request.
func (f fileIn) check(c *web.Check, field string) {
	c.Text(field+".name", f.Name, 1, 200)
	c.Fault(!strings.ContainsAny(f.Name, "/\\\""), field+".name", "characters", "A name without slashes and quotes.")
	ending := strings.ToLower(path.Ext(strings.TrimRight(f.Name, ". "))) // Windows leaves these out
	c.Fault(!slices.Contains(refusedFiles, ending), field+".name", "refused", "Mail servers refuse this kind of file. Put it into an archive, or link to it.")
	c.Fault(typeForm.MatchString(f.kind()), field+".type", "form", "A type such as application/pdf, without parameters.")
	c.Fault(f.ContentID == "" || contentIDForm.MatchString(f.ContentID), field+".content_id", "form", "Up to 100 letters, digits and . _ @ -.")
	c.Fault(f.ContentID == "" || strings.HasPrefix(f.kind(), "image/"), field+".content_id", "type", "Only images can be shown by the HTML.")
	c.Fault(len(f.Content) > 0, field+".content", "required", "There is nothing in this file.")
}

// kind is the file's type.
func (f fileIn) kind() string {
	kind := f.Type
	if kind == "" {
		kind, _, _ = strings.Cut(mime.TypeByExtension(strings.ToLower(path.Ext(f.Name))), ";")
	}
	if kind == "" {
		kind = "application/octet-stream"
	}
	return strings.ToLower(strings.TrimSpace(kind))
}

// checkFiles looks at all files together.
func checkFiles(c *web.Check, all []fileIn) {
	size, ids := 0, map[string]bool{}
	for _, f := range all {
		size += len(f.Content)
		c.Fault(f.ContentID == "" || !ids[f.ContentID], "attachments", "duplicate", "Two files have the content id "+web.CleanText(f.ContentID, 100)+".")
		ids[f.ContentID] = true
	}
	c.Fault(size <= maxFileBytes, "attachments", "too_large", "At most 18 MB in all. Link to what is larger.")
}
