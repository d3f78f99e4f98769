package merkle

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
)

const testOrigin = "app.example.com/-/audit/log"

// signedLog is a small log with a signed checkpoint.
type signedLog struct {
	tree  *Tree
	full  map[At][]Hash
	part  [][]Hash
	key   Key
	vkey  string
	note  []byte
	point Checkpoint
}

func entryN(i int64) []byte { return fmt.Appendf(nil, "entry %d", i) }

func newLog(t testing.TB, size int64) *signedLog {
	t.Helper()
	l := &signedLog{tree: &Tree{}, full: map[At][]Hash{}, key: NewKey(bytes.Repeat([]byte{7}, 32))}
	for i := range size {
		for _, f := range l.tree.Append(Leaf(entryN(i))) {
			l.full[At{Level: f.Level, N: f.N, Width: Width}] = f.Hashes
		}
	}
	for _, e := range l.tree.levels {
		l.part = append(l.part, e.hashes)
	}
	l.point = Checkpoint{Origin: testOrigin, Size: size, Root: l.tree.Root()}
	l.note, l.vkey = sign(t, l.key, l.point)
	return l
}

func sign(t testing.TB, k Key, c Checkpoint) (msg []byte, vkey string) {
	t.Helper()
	s, err := k.Signer(c.Origin)
	if err == nil {
		msg, err = Sign(c, s)
	}
	if err == nil {
		vkey, err = VerifierKey(c.Origin, k.Public())
	}
	if err != nil {
		t.Fatal(err)
	}
	return msg, vkey
}

func (l *signedLog) read(at At) ([]byte, error) {
	if hashes, ok := l.full[At{Level: at.Level, N: at.N, Width: Width}]; ok {
		return Bytes(hashes[:at.Width]), nil
	}
	if at.Level >= len(l.part) || at.Width > len(l.part[at.Level]) {
		return nil, fmt.Errorf("no %s", at.Path())
	}
	return Bytes(l.part[at.Level][:at.Width]), nil
}

func (l *signedLog) prove(t testing.TB, index int64) Proof {
	t.Helper()
	hashes, err := Prove(l.read, l.point, index)
	if err != nil {
		t.Fatal(err)
	}
	return Proof{Extra: []byte("extra"), Index: index, Hashes: hashes, Checkpoint: l.note}
}

// Every proof of a sound log verifies, after a trip through its text form.
func TestProofsVerify(t *testing.T) {
	t.Parallel()
	for _, size := range []int64{1, 2, 3, 7, 8, 255, 256, 257, 1000, 65536, 65537} {
		l := newLog(t, size)
		for _, index := range []int64{0, size / 3, size / 2, size - 1} {
			text := l.prove(t, index).String()
			p, err := ParseProof([]byte(text))
			if err != nil || p.String() != text {
				t.Fatalf("size %d index %d: %v", size, index, err)
			}
			c, err := p.Verify(entryN(index), l.vkey)
			if err != nil || c.Size != size || len(c.Keys) != 1 {
				t.Fatalf("size %d index %d: %+v %v", size, index, c, err)
			}
		}
	}
}

// Case 14 of spec/audit.md: bit-flips, swapped indexes, wrong origins, hashes too
// many or too few, are all refused.
func TestBadProofsAreRefused(t *testing.T) {
	t.Parallel()
	vectors := 0
	refuse := func(what string, p Proof, entry []byte, key string) {
		t.Helper()
		vectors++
		again, err := ParseProof([]byte(p.String()))
		if err == nil {
			_, err = again.Verify(entry, key)
		}
		if err == nil {
			t.Errorf("accepted: %s", what)
		}
	}
	other := NewKey(bytes.Repeat([]byte{9}, 32))
	for _, size := range []int64{2, 3, 6, 7, 8, 13, 200, 256, 300, 1000} {
		l := newLog(t, size)
		for _, index := range []int64{0, size / 2, size - 1} {
			good := l.prove(t, index)
			name := func(what string) string { return fmt.Sprintf("%s, size %d index %d", what, size, index) }
			for i := range good.Hashes {
				for _, bit := range []int{0, 133, 255} {
					p := good
					p.Hashes = append([]Hash{}, good.Hashes...)
					p.Hashes[i][bit/8] ^= 1 << (bit % 8)
					refuse(name(fmt.Sprintf("bit %d of hash %d", bit, i)), p, entryN(index), l.vkey)
				}
			}
			more, fewer, swapped := good, good, good
			more.Hashes = append(append([]Hash{}, good.Hashes...), Leaf([]byte("x")))
			refuse(name("a hash too many"), more, entryN(index), l.vkey)
			fewer.Hashes = good.Hashes[1:]
			refuse(name("a hash too few"), fewer, entryN(index), l.vkey)
			for _, at := range []int64{(index + 1) % size, index + size, size} {
				swapped.Index = at
				refuse(name(fmt.Sprintf("index %d", at)), swapped, entryN(index), l.vkey)
			}
			refuse(name("another entry"), good, entryN(index+1), l.vkey)
			refuse(name("an empty entry"), good, nil, l.vkey)
			if _, stranger := sign(t, other, l.point); true {
				refuse(name("another key"), good, entryN(index), stranger)
			}
			for what, c := range map[string]Checkpoint{
				"another origin": {Origin: "evil.example/-/audit/log", Size: size, Root: l.point.Root},
				"another size":   {Origin: testOrigin, Size: size - 1, Root: l.point.Root},
				"another root":   {Origin: testOrigin, Size: size, Root: Leaf([]byte("x"))},
			} {
				p := good
				p.Checkpoint, _ = sign(t, other, c)
				refuse(name(what+" signed by a stranger"), p, entryN(index), l.vkey)
				if what != "another size" { // that lie is found by whoever compares two checkpoints
					p.Checkpoint, _ = sign(t, l.key, c)
					refuse(name(what+" signed by the log"), p, entryN(index), l.vkey)
				}
				p.Checkpoint = []byte(c.String() + string(l.note[bytes.Index(l.note, []byte("\n\n"))+1:]))
				refuse(name(what+" with the old signature"), p, entryN(index), l.vkey)
			}
		}
	}
	if vectors < 518 {
		t.Errorf("only %d vectors", vectors)
	}
	t.Logf("%d vectors", vectors)
}

func TestProofTextIsStrict(t *testing.T) {
	t.Parallel()
	good := newLog(t, 7).prove(t, 3).String()
	for what, text := range map[string]string{
		"empty":           "",
		"another version": strings.Replace(good, "@v1", "@v2", 1),
		"no index":        strings.Replace(good, "index 3\n", "", 1),
		"leading zero":    strings.Replace(good, "index 3", "index 03", 1),
		"plus":            strings.Replace(good, "index 3", "index +3", 1),
		"negative":        strings.Replace(good, "index 3", "index -3", 1),
		"carriage return": strings.Replace(good, "\n", "\r\n", 3),
		"bad extra":       strings.Replace(good, "extra ", "extra !", 1),
		"empty extra":     strings.Replace(good, "extra ZXh0cmE=", "extra ", 1),
		"short hash":      strings.Replace(good, "index 3\n", "index 3\nAAAA\n", 1),
		"too many hashes": strings.Replace(good, "index 3\n", "index 3\n"+strings.Repeat(strings.Repeat("A", 43)+"=\n", 64), 1),
		"no checkpoint":   strings.Split(good, "\n\n")[0],
	} {
		if _, err := ParseProof([]byte(text)); err == nil {
			t.Errorf("%s: accepted", what)
		}
	}
}

func TestCheckpointTextIsStrict(t *testing.T) {
	t.Parallel()
	good := newLog(t, 7).point.String()
	if c, err := ParseCheckpoint(good); err != nil || c.String() != good {
		t.Fatal(err)
	}
	for what, text := range map[string]string{
		"empty": "", "no origin": strings.Replace(good, testOrigin, "", 1), "zero": strings.Replace(good, "\n7\n", "\n07\n", 1),
		"negative": strings.Replace(good, "\n7\n", "\n-7\n", 1), "no root": testOrigin + "\n7\n", "short root": testOrigin + "\n7\nAAAA\n", "one line": testOrigin,
	} {
		if _, err := ParseCheckpoint(text); err == nil {
			t.Errorf("%s: accepted", what)
		}
	}
}

func TestRootAt(t *testing.T) {
	t.Parallel()
	l := newLog(t, 700)
	for _, size := range []int64{0, 1, 255, 256, 300, 512, 699, 700} {
		small := &Tree{}
		for i := range size {
			small.Append(Leaf(entryN(i)))
		}
		root, err := RootAt(l.read, l.point, size)
		if err != nil || root != small.Root() {
			t.Errorf("%d: %v", size, err)
		}
	}
	// A tile that does not lead to the root is not believed.
	l.part[0][0] = Leaf([]byte("x"))
	if _, err := RootAt(l.read, l.point, 600); err == nil {
		t.Error("a false tile was believed")
	}
}

func TestVerifierKeys(t *testing.T) {
	t.Parallel()
	key := NewKey(bytes.Repeat([]byte{2}, 32))
	v, err := VerifierKey(testOrigin, key.Public())
	if err != nil || !SameKey(v, key.Public()) || SameKey(v, NewKey(bytes.Repeat([]byte{1}, 32)).Public()) {
		t.Error("keys are not told apart")
	}
	if _, err := note.NewVerifier(v); err != nil {
		t.Error(err)
	}
	if _, err := VerifierKey(testOrigin, "AAAA"); err == nil {
		t.Error("four characters are no key")
	}
}

// A number of a tile that is too large to be multiplied is no other name of a small one.
func TestTilesBeyondCounting(t *testing.T) {
	t.Parallel()
	for _, n := range []int64{1, 1 << 55, 1 << 56, 1<<56 + 1, 1<<62 - 1} {
		if w := Whole(200, 0, n); w != 0 {
			t.Errorf("tile %d of 200 entries has %d hashes", n, w)
		}
	}
}

func FuzzParseProof(f *testing.F) {
	f.Add([]byte(newLog(f, 7).prove(f, 3).String()))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := ParseProof(text)
		if err == nil && p.String() != string(text) {
			t.Error("read, but written differently")
		}
	})
}

func FuzzParsePath(f *testing.F) {
	f.Add("tile/0/x001/x234/067.p/9")
	f.Fuzz(func(t *testing.T, path string) {
		if at, ok := ParsePath(path); ok && at.Path() != path {
			t.Error("two paths for one tile")
		}
	})
}

func FuzzOpenCheckpoint(f *testing.F) {
	l := newLog(f, 7)
	f.Add(l.note)
	f.Fuzz(func(t *testing.T, msg []byte) {
		if c, err := Open(msg, l.vkey); err == nil && c.Checkpoint != l.point {
			t.Errorf("forged: %+v", c)
		}
	})
}

func FuzzUnbundle(f *testing.F) {
	f.Add([]byte{0, 1, 'x'}, 1)
	f.Fuzz(func(t *testing.T, b []byte, width int) {
		if all, err := Unbundle(b, width%300); err == nil {
			if again, err := Bundle(all); err != nil || !bytes.Equal(again, b) {
				t.Error("read, but written differently")
			}
		}
	})
}
