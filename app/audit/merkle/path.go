package merkle

import (
	"fmt"
	"strconv"
	"strings"
)

// At is the place of a tile in the layout of c2sp.org/tlog-tiles.
type At struct {
	Entries bool  // a bundle of entries instead of hashes; Level is 0
	Level   int   // 0 to 63
	N       int64 // number within the level
	Width   int   // 1 to 256; below 256 the tile is partial
}

// Path is "tile/<L>/<N>[.p/<W>]" or "tile/entries/<N>[.p/<W>]".
func (a At) Path() string {
	n := fmt.Sprintf("%03d", a.N%1000)
	for rest := a.N / 1000; rest > 0; rest /= 1000 {
		n = fmt.Sprintf("x%03d/%s", rest%1000, n)
	}
	level := strconv.Itoa(a.Level)
	if a.Entries {
		level = "entries"
	}
	path := "tile/" + level + "/" + n
	if a.Width < Width {
		path += ".p/" + strconv.Itoa(a.Width)
	}
	return path
}

// ParsePath reads what follows the prefix of a log, strictly: each tile has one
// path only.
func ParsePath(path string) (At, bool) {
	rest, ok := strings.CutPrefix(path, "tile/")
	level, rest, ok2 := strings.Cut(rest, "/")
	if !ok || !ok2 || len(path) > 100 {
		return At{}, false
	}
	at := At{Width: Width}
	if level == "entries" {
		at.Entries = true
	} else if at.Level, ok = number(level, 63); !ok {
		return At{}, false
	}
	if n, w, partial := strings.Cut(rest, ".p/"); partial {
		rest = n
		if at.Width, ok = number(w, Width-1); !ok || at.Width == 0 {
			return At{}, false
		}
	}
	for part := range strings.SplitSeq(rest, "/") {
		digits := strings.TrimPrefix(part, "x")
		v, err := strconv.Atoi(digits)
		if err != nil || len(digits) != 3 || v < 0 || at.N > 1<<52 {
			return At{}, false
		}
		at.N = at.N*1000 + int64(v)
	}
	return at, at.Path() == path
}

// number reads a decimal from 0 to most without leading zeroes.
func number(s string, most int) (int, bool) {
	v, err := strconv.Atoi(s)
	return v, err == nil && v >= 0 && v <= most && strconv.Itoa(v) == s
}

// Whole is how many hashes the tile at (level, n) has in a tree of size, 0 to 256.
func Whole(size int64, level int, n int64) int {
	if level > 7 || n < 0 || n > size>>(8*level)/Width { // whose hashes' numbers may not even be counted in 64 bits
		return 0
	}
	return int(max(0, min(Width, size>>(8*level)-n*Width)))
}

// Tiles are the places of every tile and bundle of a tree, entries last, in the
// order in which a reader wants them.
func Tiles(size int64) []At {
	var all []At
	for level := 0; size>>(8*level) > 0; level++ {
		for n := int64(0); ; n++ {
			w := Whole(size, level, n)
			if w == 0 {
				break
			}
			all = append(all, At{Level: level, N: n, Width: w})
		}
	}
	for n := int64(0); Whole(size, 0, n) > 0; n++ {
		all = append(all, At{Entries: true, N: n, Width: Whole(size, 0, n)})
	}
	return all
}

// maxEntry is the largest entry a bundle can carry, in bytes.
const maxEntry = 65535

// Bundle writes entries with their lengths as 16 bits, big-endian.
func Bundle(entries [][]byte) ([]byte, error) {
	var b []byte
	for _, e := range entries {
		if len(e) > maxEntry {
			return nil, fmt.Errorf("an entry of %d bytes, at most %d fit", len(e), maxEntry)
		}
		b = append(b, byte(len(e)>>8), byte(len(e)))
		b = append(b, e...)
	}
	return b, nil
}

// Unbundle reads a bundle of exactly width entries.
func Unbundle(b []byte, width int) ([][]byte, error) {
	if width < 0 || width > Width {
		return nil, fmt.Errorf("a bundle of %d entries", width)
	}
	entries := make([][]byte, 0, width)
	for len(b) > 0 {
		if len(b) < 2 {
			return nil, fmt.Errorf("entry %d: its length is cut off", len(entries))
		}
		n := int(b[0])<<8 | int(b[1])
		if len(b) < 2+n {
			return nil, fmt.Errorf("entry %d: %d bytes announced, %d there", len(entries), n, len(b)-2)
		}
		entries = append(entries, b[2:2+n])
		b = b[2+n:]
	}
	if len(entries) != width {
		return nil, fmt.Errorf("%d entries, expected %d", len(entries), width)
	}
	return entries, nil
}
