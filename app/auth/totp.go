package auth

import (
	"crypto/rand"
	"encoding/base32"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"

	"seaworthy/store"
)

// TOTP (RFC 6238) as every authenticator app has it: SHA-1, six digits, thirty
// seconds. The code before and the one after count too, for clocks that differ.
const (
	totpPeriod  = 30 * time.Second
	totpSeed    = 20 // bytes: 160 bits, as RFC 4226 section 4 wants
	totpDigits  = 6
	totpSkew    = 1
	totpOptions = "algorithm=SHA1&digits=6&period=30"
)

// newSeed is a new secret, as authenticator apps take it.
func newSeed() string {
	var b [totpSeed]byte
	rand.Read(b[:])
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b[:])
}

// seedURI is what the QR code says (the otpauth scheme of Google Authenticator).
// Apps show a plus sign as one, so that no space may be written as it.
func seedURI(seed, brand, account string) string {
	escape := func(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
	return "otpauth://totp/" + escape(brand) + ":" + escape(account) + "?secret=" + seed + "&issuer=" + escape(brand) + "&" + totpOptions
}

// grouped writes a secret by fours, for people who type it.
func grouped(secret string) string {
	var b strings.Builder
	for i, r := range secret {
		if i > 0 && i%4 == 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// plainCode is a code without what people and apps put between its digits.
func plainCode(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || r == '-' || r == utf8.RuneError { // the last: no UTF-8
			return -1
		}
		return r
	}, text)
}

// digitsOnly reports whether a code is as many decimal digits.
func digitsOnly(code string, n int) bool {
	return len(code) == n && strings.Trim(code, "0123456789") == ""
}

// useTOTP reports whether a code is one of a factor's of now, and uses it up with
// all before it: a code works once (spec/auth.md attack 13). The library says
// whether a code matches but not at which step, so that each is tried on its own.
func (s *System) useTOTP(tx *store.Tx, f factor, code string) (bool, error) {
	if !digitsOnly(code, totpDigits) {
		return false, nil
	}
	seed, err := s.secretOf(f)
	if err != nil {
		return false, err
	}
	now := tx.Now().Unix() / int64(totpPeriod/time.Second)
	for _, step := range []int64{now, now - totpSkew, now + totpSkew} {
		match, err := hotp.ValidateCustom(code, uint64(step), seed, hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
		if err != nil {
			return false, err
		}
		if !match {
			continue
		}
		if used, err := useStep(tx, f.id, step); err != nil || used {
			return used, err
		}
	}
	return false, nil
}
