package eml

import (
	"fmt"
	"io"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/unicode"
)

// charsets are those that mail is still written in, by the names they go by. Of the
// tables of Chinese and Korean, which are half a megabyte, there are none: what is
// sent today in these languages is UTF-8.
var charsets = map[string]encoding.Encoding{
	"windows-1250": charmap.Windows1250, "windows-1251": charmap.Windows1251, "windows-1252": charmap.Windows1252, "windows-1253": charmap.Windows1253,
	"windows-1254": charmap.Windows1254, "windows-1255": charmap.Windows1255, "windows-1256": charmap.Windows1256, "windows-1257": charmap.Windows1257,
	"windows-1258": charmap.Windows1258, "windows-874": charmap.Windows874, "tis-620": charmap.Windows874,
	"iso-8859-1": charmap.Windows1252, "latin1": charmap.Windows1252, // whoever says so mostly means more, as browsers know
	"iso-8859-2": charmap.ISO8859_2, "iso-8859-3": charmap.ISO8859_3, "iso-8859-4": charmap.ISO8859_4, "iso-8859-5": charmap.ISO8859_5, "iso-8859-6": charmap.ISO8859_6,
	"iso-8859-7": charmap.ISO8859_7, "iso-8859-8": charmap.ISO8859_8, "iso-8859-8-i": charmap.ISO8859_8, "iso-8859-9": charmap.Windows1254, "iso-8859-10": charmap.ISO8859_10,
	"iso-8859-13": charmap.ISO8859_13, "iso-8859-14": charmap.ISO8859_14, "iso-8859-15": charmap.ISO8859_15, "iso-8859-16": charmap.ISO8859_16,
	"koi8-r": charmap.KOI8R, "koi8-u": charmap.KOI8U, "ibm866": charmap.CodePage866, "ibm850": charmap.CodePage850, "ibm437": charmap.CodePage437, "macintosh": charmap.Macintosh,
	"utf-16": unicode.UTF16(unicode.BigEndian, unicode.UseBOM), "utf-16be": unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM), "utf-16le": unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM),
	"iso-2022-jp": japanese.ISO2022JP, "shift_jis": japanese.ShiftJIS, "windows-31j": japanese.ShiftJIS, "euc-jp": japanese.EUCJP,
}

// charset finds one by its name.
func charset(name string) (e encoding.Encoding, known bool) {
	name = strings.ToLower(strings.TrimSpace(name))
	if number, ok := strings.CutPrefix(name, "cp"); ok {
		name = "windows-" + number
	}
	e, known = charsets[name]
	return e, known
}

// fromCharset makes UTF-8; what cannot be read becomes U+FFFD.
func fromCharset(data []byte, name string) string {
	if e, known := charset(name); known {
		if out, err := e.NewDecoder().Bytes(data); err == nil {
			data = out
		}
	}
	return strings.ToValidUTF8(string(data), "\uFFFD")
}

// charsetReader lets encoded words have any of them.
func charsetReader(name string, input io.Reader) (io.Reader, error) {
	e, known := charset(name)
	if !known {
		return nil, fmt.Errorf("charset %s of an encoded word", name)
	}
	return e.NewDecoder().Reader(input), nil
}
