package auth

import (
	"net/http"
	"time"

	"seaworthy/app/web"
	"seaworthy/store"
)

type factorList struct {
	Factors  []factorJSON `json:"factors"`
	Recovery int          `json:"recovery_codes_left"`
	Kinds    []string     `json:"kinds"` // that can be set up here
}

func (s *System) kinds() []string {
	if s.Texts == nil {
		return []string{string(totpFactor)}
	}
	return []string{string(totpFactor), string(smsFactor)}
}

func (s *System) factorsAPI(w http.ResponseWriter, r *http.Request) error {
	id := web.IdentityOf(r.Context())
	out := factorList{Factors: []factorJSON{}, Kinds: s.kinds()}
	if err := s.DB.Read(r.Context(), func(tx *store.Tx) error {
		all, err := factors(tx, id.User)
		if err != nil {
			return err
		}
		for _, f := range all {
			out.Factors = append(out.Factors, f.json())
		}
		out.Recovery, err = livingTokens(tx, id.User, forRecovery)
		return err
	}); err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, out)
}

// begunJSON is a factor that waits for its code. What it has of a secret is shown
// at no other time.
type begunJSON struct {
	ID      string    `json:"id"`
	Kind    string    `json:"kind"`
	Secret  string    `json:"secret,omitempty"` // of totp: base32, for typing
	URI     string    `json:"uri,omitempty"`    // of totp: otpauth, for a QR code
	Phone   string    `json:"phone,omitempty"`  // of sms: where the code went
	Expires time.Time `json:"expires_at"`
}

func (s *System) beginAPI(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[beginInput](r)
	if err != nil {
		return err
	}
	f, err := s.begin(r.Context(), in)
	if err != nil {
		return err
	}
	out := begunJSON{ID: f.id, Kind: string(f.kind), Secret: f.seed, Phone: f.label, Expires: f.created.Add(pendingFactor)}
	if f.seed != "" {
		out.URI = seedURI(f.seed, s.Pages.Site().Brand, web.IdentityOf(r.Context()).Email)
	}
	return web.JSON(w, http.StatusCreated, out)
}

type recoveryJSON struct {
	Codes []string `json:"recovery_codes,omitempty"` // shown this once
}

func (s *System) confirmFactorAPI(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[confirmFactorInput](r)
	if err != nil {
		return err
	}
	codes, err := s.finishEnrol(r.Context(), r.PathValue("id"), in)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, recoveryJSON{codes})
}

func (s *System) textFactorAPI(w http.ResponseWriter, r *http.Request) error {
	return noContent(w, s.textAgain(r.Context(), r.PathValue("id")))
}

func (s *System) removeFactorAPI(w http.ResponseWriter, r *http.Request) error {
	return noContent(w, s.dropFactor(r.Context(), r.PathValue("id")))
}

func (s *System) recoveryAPI(w http.ResponseWriter, r *http.Request) error {
	codes, err := s.newRecovery(r.Context())
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, recoveryJSON{codes})
}

// trustedJSON is a device on which the second step is not asked for.
type trustedJSON struct {
	ID       string    `json:"id"`
	Device   string    `json:"device"`
	LastSeen time.Time `json:"last_seen_at"`
	Until    time.Time `json:"trusted_until"`
}

type trustedList struct {
	Devices []trustedJSON `json:"devices"`
}

func (s *System) trustedAPI(w http.ResponseWriter, r *http.Request) error {
	id := web.IdentityOf(r.Context())
	all, err := store.Read(r.Context(), s.DB, func(tx *store.Tx) ([]trusted, error) { return trustedDevices(tx, id.User) })
	if err != nil {
		return err
	}
	out := trustedList{Devices: []trustedJSON{}}
	for _, d := range all {
		out.Devices = append(out.Devices, trustedJSON{ID: d.id, Device: d.label, LastSeen: d.seen, Until: d.until})
	}
	return web.JSON(w, http.StatusOK, out)
}

func (s *System) forgetAPI(w http.ResponseWriter, r *http.Request) error {
	return noContent(w, s.forget(r.Context(), r.PathValue("id")))
}
