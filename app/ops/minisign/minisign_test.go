package minisign

import (
	"errors"
	"strings"
	"testing"
)

// All of these were made by minisign 0.11: of a file "seaworthy\n", by its digest and by
// itself, with key A, and by its digest with key B.
const (
	keyA   = "RWRL5s2nkuONBDj93My84zPbRWe0+Cp8aAGjf1+80DjklXAkkXb3Rb19"
	keyB   = "RWQuwYKsEjFOfrlYSEY+yz2YyE99GNEidQwoRP+9ufmZ/RSVoeqriyWO"
	file   = "seaworthy\n"
	byHash = `untrusted comment: signature from minisign secret key
RURL5s2nkuONBN4pMHs5YDwszea4k7QYuFkaJ09tO6uRapNEkReHwI3/CNz3/NVHLi5mT6rnBCjjB1xgtWLG9kgUhF5NNBAYnQE=
trusted comment: seaworthy 1.2.0 linux/amd64
j14oAl8fMnn4efJdDzEEm04uqV5MFi+UoAoZeS5WmkHPksre344BZ1nTh7vp0g+M94wik56RAu+H/8bJGnimDw==
`
	legacy = `untrusted comment: signature from minisign secret key
RWRL5s2nkuONBMK3tsBry5pz0OR9ewiOfU43rVnt+NCB9dITbX/LtiZ/zHHayvj9RzXdhtRLZ4d1JT6xmK4AFjDZEs1+rlY7Igc=
trusted comment: legacy
AqWpkl5JqOzjXDLOW9Mmc+249FNQf9xugoFXEs3hTslmHnftX6rZOpfGIwHFrFaI3lUf8gUUa6sbKBCieV8TCw==
`
	byOther = "untrusted comment: signature from minisign secret key\r\n" +
		"RUQuwYKsEjFOfkukkkO57bUG+dy7odW1zTP+IC3oA9QednnaPYBmhIq6MDwXrpkAyc0h+3qXu8sKBdJTkVAZMD+DmDYaS1PjwgI=\r\n" +
		"trusted comment: timestamp:1795951726\tfile:file\thashed\r\n" +
		"d6BYKEulzC+gEgJzyRGnbTv7BfoJ4h4GKSeCkh273aLa1aLhadufVTRd8CiKwj9ctN7yf5uXM46imFSVtdHaDw==\r\n"
)

func keys(t testing.TB, list string) []Key {
	t.Helper()
	all, err := ParseKeys(list)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestVerify(t *testing.T) {
	t.Parallel()
	unknown := (*UnknownKeyError)(nil)
	swapped := strings.Replace(byHash, "seaworthy 1.2.0", "seaworthy 1.3.0", 1)
	for name, c := range map[string]struct {
		signature, keys, file string
		id                    string
		refused               any
	}{
		"by its digest":                {byHash, keyA, file, "48DE392A7CDE64B", nil},
		"by itself, as minisign once":  {legacy, keyA, file, "48DE392A7CDE64B", nil},
		"by the second of two keys":    {byOther, keyA + "," + keyB, file, "7E4E3112AC82C12E", nil},
		"by the old key of a rotation": {byHash, keyB + " " + keyA, file, "48DE392A7CDE64B", nil},
		"by a key nobody trusts":       {byOther, keyA, file, "", &unknown},
		"without any key":              {byHash, "", file, "", &unknown},
		"another file":                 {byHash, keyA, file + "x", "", ErrForged},
		"another file, legacy":         {legacy, keyA, "Seaworthy\n", "", ErrForged},
		"no file":                      {byHash, keyA, "", "", ErrForged},
		"another comment":              {swapped, keyA, file, "", ErrForged},
		"said to be by itself":         {strings.Replace(byHash, "RURL", "RWRL", 1), keyA, file, "", ErrForged},
		"said to be by its digest":     {strings.Replace(legacy, "RWRL", "RURL", 1), keyA, file, "", ErrForged},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := ParseSignature([]byte(c.signature))
			if err != nil {
				t.Fatal(err)
			}
			k, err := s.Verify(keys(t, c.keys), strings.NewReader(c.file))
			switch want := c.refused.(type) {
			case nil:
				if err != nil || k.ID() != c.id {
					t.Errorf("key %s, %v", k.ID(), err)
				}
			case error:
				if !errors.Is(err, want) {
					t.Errorf("got %v", err)
				}
			default:
				if !errors.As(err, want) {
					t.Errorf("got %v", err)
				}
			}
		})
	}
}

// The global signature of another signature does not fit, though both are by the key.
func TestSignaturesCannotBeMixed(t *testing.T) {
	t.Parallel()
	a, b := strings.Split(byHash, "\n"), strings.Split(legacy, "\n")
	s, err := ParseSignature([]byte(strings.Join([]string{a[0], a[1], b[2], b[3]}, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Verify(keys(t, keyA), strings.NewReader(file)); !errors.Is(err, ErrForged) {
		t.Errorf("got %v", err)
	}
}

func TestParseSignatureRefuses(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"empty":                  "",
		"a key":                  "untrusted comment: minisign public key 48DE392A7CDE64B\n" + keyA + "\n",
		"a line too many":        byHash + byHash,
		"no comment to trust":    strings.Replace(byHash, "trusted comment: seaworthy", "seaworthy", 1),
		"short":                  strings.Replace(byHash, "AYnQE=", "AYnQ==", 1),
		"another algorithm":      strings.Replace(byHash, "RURL", "RVVL", 1),
		"a command of terminals": strings.Replace(byHash, "1.2.0", "\x1b[2J", 1),
		"loose base64":           strings.Replace(byHash, "mDw==", "mDx==", 1),
		"long":                   strings.Replace(byHash, "1.2.0", strings.Repeat("1", mostText), 1),
	} {
		if s, err := ParseSignature([]byte(text)); err == nil {
			t.Errorf("%s: %+v", name, s)
		}
	}
}

func TestParseKey(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text string
		ok   bool
	}{
		"alone":          {keyA, true},
		"with an end":    {keyA + "\n", true},
		"a file":         {"untrusted comment: minisign public key 48DE392A7CDE64B\r\n" + keyA + "\r\n", true},
		"empty":          {"", false},
		"a signature":    {byHash, false},
		"half":           {keyA[:28], false},
		"a private key":  {"RUlT" + keyA[4:], false},
		"two in a file":  {keyA + "\n" + keyB, false},
		"something else": {"untrusted comment: x\nnot base64!", false},
	} {
		if _, err := ParseKey(c.text); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
	if k, err := ParseKey(keyA); err != nil || k.String() != keyA {
		t.Errorf("%s, %v", k, err)
	}
	if _, err := ParseKeys(keyA + " nonsense"); err == nil || !strings.Contains(err.Error(), "nonsense") {
		t.Errorf("got %v", err)
	}
}

func FuzzParseSignature(f *testing.F) {
	f.Add([]byte(byHash))
	f.Add([]byte(legacy))
	f.Add([]byte(byOther))
	f.Add([]byte("untrusted comment: \n\ntrusted comment: \n\n"))
	trusted := keys(f, keyA+","+keyB)
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := ParseSignature(text)
		if err != nil {
			return
		}
		if strings.ContainsAny(s.Comment, "\x00\x1b\n\r") {
			t.Errorf("comment %q", s.Comment)
		}
		// Nobody but minisign has the private keys: what passes is what it has signed.
		if _, err := s.Verify(trusted, strings.NewReader(file)); err == nil && !strings.Contains(byHash+legacy+strings.ReplaceAll(byOther, "\r", ""), s.Comment) {
			t.Errorf("a forged comment %q passes", s.Comment)
		}
	})
}

func FuzzParseKey(f *testing.F) {
	f.Add(keyA)
	f.Add("untrusted comment: x\n" + keyB)
	f.Fuzz(func(t *testing.T, text string) {
		if k, err := ParseKey(text); err == nil && (len(k.public) != 32 || k.ID() == "") {
			t.Errorf("%+v", k)
		}
	})
}
