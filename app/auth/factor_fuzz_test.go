package auth

import (
	"encoding/xml"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"
)

// No code counts but the ones that an authenticator app shows: digits, as many as
// it shows, whatever stands between them.
func FuzzCode(f *testing.F) {
	f.Add("123 456")
	for _, seed := range []string{"123-456", "１２３４５６", "", " 123 456 ", "1234567", "\u00a0123456", "12\u2009345\u202f6"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		code := plainCode(text)
		if len(code) > len(text) || strings.ContainsAny(code, " -") {
			t.Errorf("%q reads as %q", text, code)
		}
		if plainCode(code) != code {
			t.Errorf("%q reads as %q, and that as %q", text, code, plainCode(code))
		}
		if digitsOnly(code, codeDigits) && !regexp.MustCompile(`^[0-9]{6}$`).MatchString(code) {
			t.Errorf("%q counts as six digits", code)
		}
	})
}

func FuzzRecoveryCode(f *testing.F) {
	s := tokenMaker(f)
	code := newRecoveryCodes()[0]
	f.Add(code)
	f.Add(strings.ToUpper(code))
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		same := string(s.recoveryHash("usr_a", text)) == string(s.recoveryHash("usr_a", code))
		read := strings.NewReplacer("o", "0", "i", "1", "l", "1").Replace(strings.ToLower(plainCode(text)))
		if same != (read == strings.ReplaceAll(code, "-", "")) {
			t.Errorf("%q stands for %q: %v", text, code, same)
		}
		if string(s.recoveryHash("usr_b", text)) == string(s.recoveryHash("usr_a", text)) {
			t.Error("a code is worth the same to two users")
		}
	})
}

// What we put into a QR code is what authenticator apps, and the library, read.
func TestSeedURI(t *testing.T) {
	t.Parallel()
	seed := newSeed()
	uri := seedURI(seed, "Acme & Söhne: 50%", "adaMail+x@example.com")
	key, err := otp.NewKeyFromURL(uri)
	if err != nil || key.Secret() != seed || key.Issuer() != "Acme & Söhne: 50%" || key.Period() != 30 || key.Digits() != otp.DigitsSix || key.Algorithm() != otp.AlgorithmSHA1 {
		t.Errorf("%s: %v, issuer %q", uri, err, key.Issuer())
	}
	if u, err := url.Parse(uri); err != nil || u.Host != "totp" || !strings.HasSuffix(u.Path, ":adaMail+x@example.com") {
		t.Errorf("%s: %v", uri, err)
	}
	if len(seed) != 32 || len(grouped(seed)) != 39 {
		t.Errorf("seed %q, grouped %q", seed, grouped(seed))
	}
	if code, err := totp.GenerateCode(seed, time.Now()); err != nil || !digitsOnly(code, 6) {
		t.Errorf("%q, %v", code, err)
	}
}

func TestQRCodeIsAPicture(t *testing.T) {
	t.Parallel()
	svg, err := qrCode(seedURI(newSeed(), strings.Repeat("Acme ", 10), strings.Repeat("a", 60)+"@example.com"))
	if err != nil {
		t.Fatal(err)
	}
	var parsed struct {
		ViewBox string `xml:"viewBox,attr"`
		Paths   []struct {
			Fill string `xml:"fill,attr"`
			D    string `xml:"d,attr"`
		} `xml:"path"`
	}
	if err := xml.Unmarshal([]byte(svg), &parsed); err != nil || len(parsed.Paths) != 2 || parsed.Paths[0].Fill != "#fff" || parsed.Paths[1].Fill != "#000" {
		t.Fatalf("%v: %+v", err, parsed)
	}
	if !strings.HasPrefix(parsed.Paths[1].D, "M4 4h7v1h-7z") { // the finder, after four modules of quiet
		t.Errorf("begins %.40s", parsed.Paths[1].D)
	}
	if strings.Contains(string(svg), "style=") {
		t.Error("the policy forbids styles within the page")
	}
}

func TestRecoveryCodesAreLongAndDiffer(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 100 {
		for _, c := range newRecoveryCodes() {
			if len(c) != 14 || seen[c] {
				t.Fatalf("code %q", c)
			}
			seen[c] = true
		}
	}
}
