package auth

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"strconv"
	"strings"

	"seaworthy/app/audit"
	"seaworthy/app/email"
	"seaworthy/app/web"
	"seaworthy/store"
)

// refreshToken is one of the tokens of a session, each of which buys the next.
// Nothing of it is stored: it is the session's id, how many came before, and an
// HMAC of both under a key that stands beside the database and not in it, so
// that no backup can mint one (spec/auth.md section 3).
type refreshToken struct {
	session    string
	generation int64 // 0 is the sign-in's
}

const (
	refreshKind = web.TokenPrefix + "rt_"
	refreshMAC  = 20 // bytes
)

// refreshText is a token as programs hold it: "sw_rt_<session>_<generation>_<mac>".
func (s *System) refreshText(t refreshToken) string {
	return refreshKind + strings.TrimPrefix(t.session, "ses_") + "_" + strconv.FormatInt(t.generation, 10) + "_" + secretEncoding.EncodeToString(s.refreshMAC(t))
}

// refreshMAC is under a key of the session's own (HKDF of the master key).
func (s *System) refreshMAC(t refreshToken) []byte {
	mac := hmac.New(sha256.New, s.Master.Derive("auth refresh "+t.session))
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(t.generation)))
	return mac.Sum(nil)[:refreshMAC]
}

// parseRefresh reads a token that we made, without looking into the database. It
// must be what we would write for its session and generation, to the letter.
func (s *System) parseRefresh(text string) (t refreshToken, ok bool) {
	rest, ours := strings.CutPrefix(text, refreshKind)
	parts := strings.Split(rest, "_")
	if !ours || len(text) > maxSecret || len(parts) != 3 {
		return t, false
	}
	t.session = "ses_" + parts[0]
	if _, isID := store.IDTime(t.session); !isID {
		return t, false
	}
	var err error
	if t.generation, err = strconv.ParseInt(parts[1], 10, 64); err != nil || t.generation < 0 {
		return t, false
	}
	return t, hmac.Equal([]byte(text), []byte(s.refreshText(t)))
}

// refresh buys the next token with one, or nothing: ok is false for a token that
// is refused, whatever the reason.
//
// The newest token steps the session on by one. The one before it, shown again
// within the grace, gets the very same next token: its answer was lost, or many
// asked at once. Anything older, or later, was copied by somebody; the session
// ends, and its user is told.
func (s *System) refresh(ctx context.Context, t refreshToken) (out tokenResponse, ok bool, err error) {
	g, err := s.grantOf(ctx, t.session)
	if isNotFound(err) {
		return out, false, nil
	}
	if err != nil {
		return out, false, err
	}
	next, err := store.Write(ctx, s.DB, func(tx *store.Tx) (refreshToken, error) { return s.rotate(tx, t) })
	if isNotFound(err) || err == nil && next == (refreshToken{}) {
		return out, false, nil
	}
	if err != nil {
		return out, false, err
	}
	out, err = s.respondWith(g, next.generation)
	return out, err == nil, err
}

// rotate is the one place where a session's generation moves. What it refuses is
// ErrNotFound, or the zero token where the refusal itself wrote something.
func (s *System) rotate(tx *store.Tx, t refreshToken) (refreshToken, error) {
	stepped, err := advance(tx, t, web.OriginOf(tx.Context()).Addr.String(), tx.Now().Add(idleLife).UnixMilli())
	if err != nil || stepped {
		return refreshToken{t.session, t.generation + 1}, err
	}
	se, err := sessionByID(tx, t.session)
	if err != nil {
		return refreshToken{}, err
	}
	switch behind := se.generation - t.generation; {
	case behind == 1 && s.Grace > 0 && tx.Now().Sub(se.rotated) <= s.Grace:
		return refreshToken{t.session, se.generation}, nil
	case behind >= 1:
		return refreshToken{}, s.stolen(tx, se, behind)
	}
	// Ahead of the session: the database was restored from an earlier copy. That
	// is nobody's theft.
	return refreshToken{}, store.ErrNotFound
}

// stolen ends a session of which a used token was shown.
func (s *System) stolen(tx *store.Tx, se *session, behind int64) error {
	if err := s.Audit.Record(tx, audit.Event{Action: actTokenReused, Targets: []audit.Ref{{Type: "session", ID: se.id}, audit.User(se.user.id)}, Org: se.org,
		Actor: audit.Ref{Type: "anonymous"}, Details: map[string]any{"behind": behind}}); err != nil {
		return err
	}
	if _, err := s.revokeAs(tx, se.user.id, se.id, "a used refresh token was shown again", audit.Ref{Type: "system", ID: "auth"}); err != nil {
		return err
	}
	_, err := s.Mail.Send(tx, email.Message{To: se.user.email.typed, Template: "auth/refresh_theft", User: se.user.id, Vars: map[string]string{
		"Name": se.user.name, "When": tx.Now().Format("2 Jan 2006, 15:04 UTC"), "Device": deviceLabel(se.ua),
		"Address": web.OriginOf(tx.Context()).Addr.String(), "URL": s.URL + "/-/account/sessions"}})
	return err
}
