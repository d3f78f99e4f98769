package apptest

import (
	"time"

	"github.com/pquerna/otp/hotp"
)

// TOTP is the code that an authenticator app shows now for a seed.
func (a *App) TOTP(seed string) string { return a.TOTPAt(seed, 0) }

// TOTPAt is the code of a step before or after the one of now.
func (a *App) TOTPAt(seed string, steps int) string {
	a.T.Helper()
	code, err := hotp.GenerateCode(seed, uint64(int(a.Clock.Now().Unix()/30)+steps))
	a.Must(err)
	return code
}

// SetUpTOTP gives whoever is signed in an authenticator app, and returns its seed
// and the recovery codes that came with it. The clock moves on to the next code.
func (a *App) SetUpTOTP(b *Browser) (seed string, recovery []string) {
	a.T.Helper()
	var begun struct{ ID, Secret string }
	b.PostJSON("/-/api/v1/factors", map[string]string{"kind": "totp"}).Want(201).JSON(&begun)
	var made struct {
		Codes []string `json:"recovery_codes"`
	}
	b.PostJSON("/-/api/v1/factors/"+begun.ID+"/confirm", map[string]string{"code": a.TOTP(begun.Secret), "label": "test"}).Want(200).JSON(&made)
	a.Clock.Advance(30 * time.Second)
	return begun.Secret, made.Codes
}
