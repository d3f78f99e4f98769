package merkle

import (
	"fmt"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
)

// leafN is a leaf nobody else has.
func leafN(i int64) Hash { return Leaf(fmt.Appendf(nil, "entry %d", i)) }

// reference is sumdb's own tree, which keeps every node.
type reference []Hash

func (r reference) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		out[i] = r[x]
	}
	return out, nil
}

func (r *reference) add(n int64, leaf Hash) {
	hashes, err := tlog.StoredHashesForRecordHash(n, leaf, r)
	if err != nil {
		panic(err)
	}
	*r = append(*r, hashes...)
}

// fold is the root of a full tile's hashes, joined two by two.
func fold(hashes []Hash) Hash {
	for len(hashes) > 1 {
		var above []Hash
		for i := 0; i < len(hashes); i += 2 {
			above = append(above, tlog.NodeHash(hashes[i], hashes[i+1]))
		}
		hashes = above
	}
	return hashes[0]
}

// The tree, its tiles and sumdb's own agree at every size around each boundary.
func TestTreeFollowsRFC6962(t *testing.T) {
	t.Parallel()
	const most = 66_000
	var ref reference
	tree := &Tree{}
	tiles := map[At][]Hash{}
	for n := int64(0); n < most; n++ {
		ref.add(n, leafN(n))
		for _, f := range tree.Append(leafN(n)) {
			tiles[At{Level: f.Level, N: f.N, Width: Width}] = f.Hashes
			if fold(f.Hashes) != f.Root {
				t.Fatalf("tile %d/%d: its root is not that of its hashes", f.Level, f.N)
			}
		}
		size := n + 1
		if size > 1100 && size%256 > 2 && size%256 < 254 && size%1009 != 0 {
			continue
		}
		want, err := tlog.TreeHash(size, ref)
		if err != nil {
			t.Fatal(err)
		}
		if got := tree.Root(); got != want || tree.Size() != size {
			t.Fatalf("size %d: root %v, want %v", size, got, want)
		}
	}
	if got, want := len(tiles), most/256+most/65536; got != want {
		t.Errorf("%d full tiles, want %d", got, want)
	}
	if (&Tree{}).Root() != Empty {
		t.Error("an empty tree has the hash of nothing")
	}
}

// Taking entries back and adding others is the same as never having had them.
func TestTruncateIsAsIfNeverAdded(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		from, back int64
		can        bool
	}{{10, 3, true}, {255, 0, true}, {300, 256, true}, {300, 299, true}, {300, 300, true}, {256, 255, false}, {300, 255, false}, {3, 4, false}, {5, -1, false}} {
		tree, want := &Tree{}, &Tree{}
		for i := range c.from {
			tree.Append(leafN(i))
		}
		if can := tree.Truncate(c.back); can != c.can {
			t.Fatalf("%+v: %v", c, can)
		} else if !can {
			continue
		}
		for i := range c.back {
			want.Append(leafN(i))
		}
		for i := range int64(300) {
			tree.Append(leafN(1000 + i))
			want.Append(leafN(1000 + i))
		}
		if tree.Root() != want.Root() || tree.Size() != want.Size() {
			t.Errorf("%+v: another tree", c)
		}
	}
}

func TestResume(t *testing.T) {
	t.Parallel()
	for _, size := range []int64{0, 1, 2, 255, 256, 257, 511, 65536, 65537, 66000} {
		tree := &Tree{}
		for i := range size {
			tree.Append(leafN(i))
		}
		var partial [][]Hash
		for _, e := range tree.levels {
			partial = append(partial, e.hashes)
		}
		again, ok := Resume(size, partial)
		if !ok || again.Root() != tree.Root() {
			t.Fatalf("size %d: %v", size, ok)
		}
		tree.Append(leafN(1))
		again.Append(leafN(1))
		if again.Root() != tree.Root() {
			t.Fatalf("size %d: it grows differently", size)
		}
		if _, ok := Resume(size+1, partial); ok {
			t.Fatalf("size %d: a missing hash was not noticed", size)
		}
	}
}

func TestPaths(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]At{
		"tile/0/000":                 {Width: 256},
		"tile/0/x001/x234/067":       {N: 1234067, Width: 256},
		"tile/3/x001/000.p/17":       {Level: 3, N: 1000, Width: 17},
		"tile/entries/012.p/255":     {Entries: true, N: 12, Width: 255},
		"tile/63/999":                {Level: 63, N: 999, Width: 256},
		"tile/entries/x001/x234/067": {Entries: true, N: 1234067, Width: 256},
	} {
		got, ok := ParsePath(path)
		if !ok || got != want || got.Path() != path {
			t.Errorf("%s: %+v %v, writes %s", path, got, ok, got.Path())
		}
	}
	for _, path := range []string{"", "tile", "tile/", "tile/0", "tile/0/", "tile/64/000", "tile/-1/000", "tile/00/000", "tile/0/0", "tile/0/1234", "tile/0/001/000",
		"tile/0/x000/001", "tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/01", "tile/0/000.p/", "tile/0/000/", "tile/0/x001", "tile/0/+01", "tile/0/-01", "tile/x/000",
		"tile/entries", "tile/0/000.p/1.p/1", "tile/0/../000", "tile/0/x999/x999/x999/x999/x999/x999/x999/999"} {
		if at, ok := ParsePath(path); ok {
			t.Errorf("%q is taken for %+v", path, at)
		}
	}
}

func TestTilesOfTheSpecificationsExample(t *testing.T) {
	t.Parallel()
	count := map[string]int{}
	for _, at := range Tiles(70_000) {
		kind := fmt.Sprintf("level %d", at.Level)
		if at.Entries {
			kind = "entries"
		}
		if at.Width < Width {
			kind += fmt.Sprintf(" partial %d", at.Width)
		}
		count[kind]++
	}
	want := map[string]int{"level 0": 273, "level 0 partial 112": 1, "level 1": 1, "level 1 partial 17": 1, "level 2 partial 1": 1, "entries": 273, "entries partial 112": 1}
	if fmt.Sprint(count) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", count, want)
	}
}

func TestBundles(t *testing.T) {
	t.Parallel()
	b, err := Bundle([][]byte{[]byte("one"), {}, []byte("three")})
	if err != nil {
		t.Fatal(err)
	}
	all, err := Unbundle(b, 3)
	if err != nil || string(all[0]) != "one" || len(all[1]) != 0 || string(all[2]) != "three" {
		t.Fatalf("%q %v", all, err)
	}
	for what, fault := range map[string][]byte{"one byte less": b[:len(b)-1], "one byte more": append(b[:len(b):len(b)], 0), "a length alone": append(b[:len(b):len(b)], 0, 9)} {
		if _, err := Unbundle(fault, 3); err == nil {
			t.Errorf("%s: not noticed", what)
		}
	}
	if _, err := Unbundle(b, 4); err == nil {
		t.Error("a missing entry was not noticed")
	}
	if _, err := Bundle([][]byte{make([]byte, 65536)}); err == nil {
		t.Error("an entry that does not fit was taken")
	}
}

func BenchmarkAppend(b *testing.B) {
	tree := &Tree{}
	leaf := leafN(1)
	for b.Loop() {
		tree.Append(leaf)
	}
}
