package auth

import (
	"context"
	"net/http"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/sms"
	"seaworthy/app/web"
	"seaworthy/store"
)

// Setting up a second factor takes two acts: it is begun, which shows or sends
// something, and confirmed by a code, which shows that it works.

type beginInput struct {
	Kind  string `json:"kind" doc:"totp or sms"`
	Phone string `json:"phone,omitempty" doc:"Of sms, with the country's code"`
}

// begun is a factor that waits to be confirmed.
type begun struct {
	factor
	seed string // of TOTP
}

// begin starts to set up a factor for whoever asks.
func (s *System) begin(ctx context.Context, in beginInput) (begun, error) {
	var c web.Check
	kind := factorKind(in.Kind)
	c.Fault(kind == totpFactor || kind == smsFactor && s.Texts != nil, "kind", "choice", "This cannot be set up here.")
	if err := c.Err(); err != nil {
		return begun{}, err
	}
	f := begun{factor: factor{kind: kind, user: web.IdentityOf(ctx).User}}
	secret := newSeed()
	if f.seed = secret; kind == smsFactor {
		phone, ok := sms.ParsePhone(in.Phone)
		c.Fault(ok, "phone", "phone", "Write the whole number with the country's code, like +49 170 1234567.")
		if err := c.Err(); err != nil {
			return begun{}, err
		}
		secret, f.seed, f.label = string(phone), "", phone.Masked()
	}
	f.id, f.created = s.DB.NewID("fac"), s.DB.Now()
	f.secret = s.Master.Seal("auth factor", f.id, []byte(secret))
	code := newSentCode()
	return f, s.DB.Write(ctx, func(tx *store.Tx) error {
		all, err := factors(tx, f.user)
		if err != nil {
			return err
		}
		if len(all) >= maxFactors {
			return errManyFactors
		}
		if err := insertFactor(tx, f.factor); err != nil {
			return err
		}
		if err := s.Audit.Record(tx, audit.Event{Action: actFactorBegun, Targets: f.targets(), Details: map[string]any{"kind": in.Kind}}); err != nil || kind != smsFactor {
			return err
		}
		return s.sendText(tx, f.factor, "enrol "+f.id, code)
	})
}

// errGone is for what is being set up and was left too long, or replaced.
var errGone = &web.Error{Status: http.StatusGone, Code: "begin_again", Public: "This was left too long or is done already. Begin again on the security page."}

// beingSetUp is a factor of a user that waits to be confirmed.
func beingSetUp(tx *store.Tx, userID, id string) (factor, error) {
	f, err := factorByID(tx, userID, id)
	if isNotFound(err) || err == nil && (f.confirmed || tx.Now().Sub(f.created) > pendingFactor) {
		return f, errGone
	}
	return f, err
}

type confirmFactorInput struct {
	Code  string `json:"code" doc:"What the app shows or the text said"`
	Label string `json:"label,omitempty" doc:"For people; of an app alone"`
}

// finishEnrol confirms a factor by a code. The recovery codes are those to be
// shown; nil if the person has some already.
func (s *System) finishEnrol(ctx context.Context, id string, in confirmFactorInput) (recoveryCodes, error) {
	var c web.Check
	label := c.Text("label", in.Label, 0, maxLabel)
	if err := c.Err(); err != nil {
		return nil, err
	}
	me := web.IdentityOf(ctx)
	if wait, ok := s.Limiter.Allow("enrol "+me.User, perAccount); !ok {
		return nil, web.TooMany(wait)
	}
	codes := newRecoveryCodes()
	made, held := false, false
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		made, held = false, false
		u, err := userByID(tx, me.User)
		if err != nil {
			return err
		}
		f, err := beingSetUp(tx, u.id, id)
		if err != nil {
			return err
		}
		code := plainCode(in.Code)
		if f.kind == smsFactor {
			label = f.label
			held, err = s.useSent(tx, u.id, "enrol "+f.id, code)
		} else {
			held, err = s.useTOTP(tx, f, code)
		}
		if err != nil || !held {
			return err // a try at a text's code was counted
		}
		made, err = s.confirmFactor(tx, u, f, label, codes)
		return err
	})
	if err != nil {
		return nil, err
	}
	if !held {
		return nil, errCode
	}
	if !made {
		return nil, nil
	}
	return codes, nil
}

// textAgain sends the code for a phone that is being set up once more.
func (s *System) textAgain(ctx context.Context, id string) error {
	if s.Texts == nil {
		return errNoTexts
	}
	code := newSentCode()
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		f, err := beingSetUp(tx, web.IdentityOf(ctx).User, id)
		if err != nil {
			return err
		}
		if f.kind != smsFactor {
			return errNoTexts
		}
		return s.sendText(tx, f, "enrol "+f.id, code)
	})
}

// dropFactor removes a factor of whoever asks.
func (s *System) dropFactor(ctx context.Context, id string) error {
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		u, err := userByID(tx, web.IdentityOf(ctx).User)
		if err != nil {
			return err
		}
		return s.removeFactor(tx, u, id)
	})
}

// newRecovery makes new recovery codes for whoever asks.
func (s *System) newRecovery(ctx context.Context) (recoveryCodes, error) {
	codes := newRecoveryCodes()
	return codes, s.DB.Write(ctx, func(tx *store.Tx) error { return s.regenerate(tx, codes) })
}

// forget ends the trust in a device of whoever asks; in all of them if id is "".
func (s *System) forget(ctx context.Context, id string) error {
	me := web.IdentityOf(ctx)
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		targets := []audit.Ref{audit.User(me.User)}
		var err error
		if id == "" {
			_, err = forgetDevices(tx, me.User)
		} else {
			targets = append(targets, audit.Ref{Type: "device", ID: id})
			err = forgetDevice(tx, me.User, id)
		}
		if err != nil {
			return err
		}
		return s.Audit.Record(tx, audit.Event{Action: actDeviceForgotten, Targets: targets})
	})
}

// factorJSON is a second factor as the API gives it to its user.
type factorJSON struct {
	ID      string     `json:"id"`
	Kind    string     `json:"kind"`
	Label   string     `json:"label"`
	Created time.Time  `json:"created_at"`
	Used    *time.Time `json:"last_used_at,omitempty"`
}

func (f factor) json() factorJSON {
	out := factorJSON{ID: f.id, Kind: string(f.kind), Label: f.label, Created: f.created}
	if !f.used.IsZero() {
		out.Used = &f.used
	}
	return out
}
