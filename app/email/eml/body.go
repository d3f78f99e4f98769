package eml

import (
	"bytes"
	"encoding/base64"
	"strings"
	"unicode/utf8"
)

// decode takes off a transfer encoding (RFC 2045 section 6).
func (r *reader) decode(encoding string, body []byte) []byte {
	switch encoding = strings.ToLower(strings.TrimSpace(encoding)); encoding {
	case "", "7bit", "8bit", "binary":
		return body
	case "base64":
		return r.base64(body)
	case "quoted-printable":
		return r.quotedPrintable(body)
	}
	r.fault("There is no transfer encoding " + oneLine(short(clean(encoding), 40)) + ".")
	return body
}

// base64 reads as much as can be read: characters of no meaning are left out, as
// section 6.8 says.
func (r *reader) base64(body []byte) []byte {
	text := make([]byte, 0, len(body))
	for _, c := range body {
		switch {
		case c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '+' || c == '/':
			text = append(text, c)
		case c != '=' && c != '\r' && c != '\n' && c != ' ' && c != '\t':
			r.fault("A part in base64 has characters that are not of it.")
		}
	}
	if len(text)%4 == 1 {
		r.fault("A part in base64 ends in the middle of a byte.")
		text = text[:len(text)-1]
	}
	out := make([]byte, base64.RawStdEncoding.DecodedLen(len(text)))
	n, _ := base64.RawStdEncoding.Decode(out, text) // only its alphabet is left
	return out[:n]
}

// quotedPrintable reads section 6.7 and leaves what is not of it as it stands.
func (r *reader) quotedPrintable(body []byte) []byte {
	out := make([]byte, 0, len(body))
	for text := range bytes.Lines(body) {
		content := bytes.TrimRight(text, "\r\n")
		ending := text[len(content):]
		content = bytes.TrimRight(content, " \t") // added on the way
		soft := bytes.HasSuffix(content, []byte("="))
		if soft {
			content = content[:len(content)-1]
		}
		for i := 0; i < len(content); i++ {
			if content[i] != '=' {
				out = append(out, content[i])
				continue
			}
			if i+2 < len(content) && hex(content[i+1]) >= 0 && hex(content[i+2]) >= 0 {
				out = append(out, byte(hex(content[i+1])<<4|hex(content[i+2])))
				i += 2
				continue
			}
			r.fault("A part in quoted-printable has an equals sign that stands for nothing.")
			out = append(out, '=')
		}
		if !soft {
			out = append(out, ending...)
		}
	}
	return out
}

func hex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	}
	return -1
}

// text makes UTF-8 with plain line breaks of a part's bytes.
func (r *reader) text(data []byte, name string) string {
	if len(data) > 2*maxText {
		data = data[:2*maxText]
		r.fault("The text is longer than 1 MB. The rest is only in the source.")
	}
	var s string
	switch name = strings.ToLower(strings.TrimSpace(name)); name {
	case "", "us-ascii", "ascii", "utf-8", "utf8":
		if s = string(data); !utf8.ValidString(s) {
			r.fault("A text has bytes that its charset does not have.")
			s = fromCharset(data, "windows-1252")
		}
	default:
		if _, known := charset(name); !known {
			r.fault("The charset " + oneLine(short(clean(name), 40)) + " cannot be read here.")
			name = "windows-1252"
		}
		s = fromCharset(data, name)
	}
	s = strings.ReplaceAll(s, "\x00", "\uFFFD")
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
}
