package eml

import (
	"bytes"
	"mime"
	"net/mail"
	"path"
	"strconv"
	"strings"
	"unicode/utf8"
)

// line is a header as it stands, its continuations joined.
type line struct{ name, value string }

type head []line

// get is the first header of a name; "" without one.
func (h head) get(name string) string {
	for _, l := range h {
		if strings.EqualFold(l.name, name) {
			return l.value
		}
	}
	return ""
}

func (h head) count(name string) (n int) {
	for _, l := range h {
		if strings.EqualFold(l.name, name) {
			n++
		}
	}
	return n
}

// head reads header lines up to the empty one, and returns what follows.
func (r *reader) head(raw []byte) (h head, body []byte) {
	var value []byte // of the newest header, while it may go on
	finish := func() {
		if len(h) > 0 {
			h[len(h)-1].value = strings.TrimSpace(string(value))
		}
	}
	defer finish()
	for read, rest := 0, raw; ; {
		text, after, found := bytes.Cut(rest, []byte("\n"))
		text = bytes.TrimSuffix(text, []byte("\r"))
		if len(text) == 0 {
			return h, after // the empty line, or the end
		}
		if read += len(text); read > maxHead || len(h) >= maxHeaders {
			r.fault("The head is larger than 1000 lines or 256 KB. The rest of it is only in the source.")
			return h, afterHead(rest)
		}
		name, is := headerName(text)
		switch {
		case (text[0] == ' ' || text[0] == '\t') && len(h) > 0:
			value = append(append(value, ' '), bytes.TrimSpace(text)...)
		case is:
			finish()
			h = append(h, line{name: name})
			value = append(value[:0], text[bytes.IndexByte(text, ':')+1:]...)
		case len(h) == 0 && bytes.HasPrefix(text, []byte("From ")): // of an mbox
		default:
			r.fault("The head has a line that is no header. What follows is shown as the text.")
			return h, rest
		}
		if !found {
			return h, nil
		}
		rest = after
	}
}

// headerName is what stands before the colon of a header line.
func headerName(text []byte) (name string, ok bool) {
	before, _, colon := bytes.Cut(text[:min(len(text), 200)], []byte(":"))
	name = string(bytes.TrimRight(before, " \t"))
	return name, colon && token(name)
}

// afterHead is the body below a head that is not read to its end.
func afterHead(raw []byte) []byte {
	crlf, lf := bytes.Index(raw, []byte("\r\n\r\n")), bytes.Index(raw, []byte("\n\n"))
	switch {
	case crlf >= 0 && (lf < 0 || crlf < lf):
		return raw[crlf+4:]
	case lf >= 0:
		return raw[lf+2:]
	}
	return nil
}

// token reports whether s can be the name of a header (RFC 5322 section 3.6.8).
func token(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || r == ':' })
}

var words = mime.WordDecoder{CharsetReader: charsetReader}

// decodeWords reads encoded words. Bytes beyond ASCII are taken for UTF-8, or else
// for what old programs of the West send.
func decodeWords(s string) string {
	s = clean(s)
	if out, err := words.DecodeHeader(s); err == nil {
		return clean(out)
	}
	return s
}

// clean makes valid UTF-8 without the characters that no header can have.
func clean(s string) string {
	if !utf8.ValidString(s) {
		s = fromCharset([]byte(s), "windows-1252")
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0x7f {
			return -1
		}
		return r
	}, s)
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// short cuts s to at most n bytes.
func short(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") // the cut may go through a character
}

// addresses reads a header of addresses as people read it: "Ada <ada@example.com>,
// …". One that cannot be read stays as it is.
func addresses(h head, name string) string {
	value := h.get(name)
	if value == "" {
		return ""
	}
	all, err := (&mail.AddressParser{WordDecoder: &words}).ParseList(value)
	if err != nil {
		return oneLine(decodeWords(value))
	}
	out := make([]string, len(all))
	for i, a := range all {
		out[i] = clean(a.Address)
		if name := oneLine(clean(a.Name)); name != "" {
			out[i] = name + " <" + out[i] + ">"
		}
	}
	return strings.Join(out, ", ")
}

// Addresses are the addresses alone of a header as addresses gives it, lower case.
func Addresses(value string) (all []string) {
	for part := range strings.SplitSeq(value, ",") {
		if i := strings.LastIndexByte(part, '<'); i >= 0 {
			part, _, _ = strings.Cut(part[i+1:], ">")
		}
		if part = strings.ToLower(strings.TrimSpace(part)); strings.Contains(part, "@") && !strings.ContainsAny(part, "\n ") {
			all = append(all, part)
		}
	}
	return all
}

// fileName is the first of the names that is one, without any folder.
func fileName(names ...string) string {
	for _, name := range names {
		name = path.Base(strings.ReplaceAll(oneLine(decodeWords(name)), `\`, "/"))
		if name = strings.Trim(name, ". "); name != "" && name != "/" {
			for len(name) > 150 {
				_, n := utf8.DecodeRuneInString(name)
				name = name[n:] // the ending says what it is
			}
			return name
		}
	}
	return ""
}

// unnamed makes a name for a part that has none.
func unnamed(kind string, n int) string {
	ending := map[string]string{"message/rfc822": ".eml", "text/calendar": ".ics", "image/png": ".png", "image/jpeg": ".jpg",
		"image/gif": ".gif", "image/webp": ".webp", "application/pdf": ".pdf", "text/html": ".html", "text/plain": ".txt"}[kind]
	return "part-" + strconv.Itoa(n) + ending
}
