package auth

import (
	"encoding/binary"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
)

// placesFile writes a database in MaxMind's format that knows one IPv4 network
// (MaxMind DB file format 2.0: search tree, data section, metadata).
func placesFile(t testing.TB, network string, record map[string]any) string {
	t.Helper()
	prefix := netip.MustParsePrefix(network)
	nodes, addr := prefix.Bits(), prefix.Addr().As4()
	bits := binary.BigEndian.Uint32(addr[:])
	var file []byte
	for i := range nodes { // one node a bit; the other way leads to nothing
		next := uint32(i + 1)
		if i == nodes-1 {
			next = uint32(nodes + 16) // the first record of the data section
		}
		pair := [2]uint32{uint32(nodes), uint32(nodes)}
		pair[bits>>(31-i)&1] = next
		for _, n := range pair {
			file = append(file, byte(n>>16), byte(n>>8), byte(n))
		}
	}
	file = append(file, make([]byte, 16)...)
	file = append(file, mmdb(record)...)
	file = append(file, "\xab\xcd\xefMaxMind.com"...)
	file = append(file, mmdb(map[string]any{"binary_format_major_version": uint16(2), "binary_format_minor_version": uint16(0), "build_epoch": uint64(1),
		"database_type": "Test", "description": map[string]any{}, "ip_version": uint16(4), "languages": []any{}, "node_count": uint32(nodes), "record_size": uint16(24)})...)
	path := filepath.Join(t.TempDir(), "places.mmdb")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// mmdb is a value of the data section; sizes stay below 29.
func mmdb(v any) []byte {
	switch v := v.(type) {
	case string:
		return append([]byte{2<<5 | byte(len(v))}, v...)
	case uint16:
		return []byte{5<<5 | 2, byte(v >> 8), byte(v)}
	case uint32:
		return binary.BigEndian.AppendUint32([]byte{6<<5 | 4}, v)
	case uint64:
		return binary.BigEndian.AppendUint64([]byte{8, 9 - 7}, v)
	case []any:
		return []byte{byte(len(v)), 11 - 7}
	case map[string]any:
		out := []byte{7<<5 | byte(len(v))}
		for key, value := range v {
			out = append(append(out, mmdb(key)...), mmdb(value)...)
		}
		return out
	}
	panic("not in the test's part of the format")
}

// PlacesFile is for the tests that use the app from outside.
var PlacesFile = placesFile

func named(name string) map[string]any {
	return map[string]any{"names": map[string]any{"en": name}}
}

func TestPlaces(t *testing.T) {
	t.Parallel()
	for want, record := range map[string]map[string]any{
		"Berlin, Germany": {"city": named("Berlin"), "country": named("Germany")},
		"Germany":         {"country": named("Germany")},
		"Berlin":          {"city": named("Berlin")},
		"Ber lin":         {"city": named("Ber\x00 lin\u202e")},
		"":                {"city": "what is this"},
	} {
		p, err := OpenPlaces(placesFile(t, "203.0.113.0/24", record))
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Of("203.0.113.9"); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		for _, elsewhere := range []string{"203.0.114.9", "2001:db8::1", "::ffff:203.0.114.9", "no address", "", "invalid IP"} {
			if got := p.Of(elsewhere); got != "" {
				t.Errorf("%s: %q", elsewhere, got)
			}
		}
	}
	var none *Places
	if none.Of("203.0.113.9") != "" {
		t.Error("a place without a file")
	}
}

func TestPlacesFileThatIsNone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.mmdb")
	for _, text := range []string{"", "not a database", "\xab\xcd\xefMaxMind.com"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenPlaces(path); err == nil {
			t.Errorf("%q opens", text)
		}
	}
}
