package auth

import (
	"context"
	"net/http"

	"seaworthy/app/web"
	"seaworthy/store"
)

// tokenResponse is what a program gets for a password or a refresh token
// (RFC 6749 section 5.1).
type tokenResponse struct {
	TokenType    string `json:"token_type"`
	AccessToken  string `json:"access_token"`
	ExpiresIn    int    `json:"expires_in"` // seconds
	RefreshToken string `json:"refresh_token"`
}

// grant is a session with what its tokens say of its user, read anew for each.
type grant struct {
	session *session
	roles   []string

	plan         string   // of the org
	entitlements []string // features that it gives
}

// grantOf reads a living session for its tokens. It is ErrNotFound for one that
// has ended, and for one whose user no longer belongs to the org it works in.
func (s *System) grantOf(ctx context.Context, id string) (*grant, error) {
	return store.Read(ctx, s.DB, func(tx *store.Tx) (*grant, error) {
		se, err := sessionByID(tx, id)
		if err != nil {
			return nil, err
		}
		if se.org != "" {
			in, err := belongs(tx, se.user.id, se.org)
			if err != nil || !in {
				return nil, firstError(err, store.ErrNotFound)
			}
		}
		g := &grant{session: se}
		if se.permissions, err = permissions(tx, se.user.id, se.org); err != nil {
			return nil, err
		}
		if g.plan, g.entitlements, err = s.planIn(tx, se.org); err != nil {
			return nil, err
		}
		g.roles, err = roles(tx, se.user.id, se.org)
		return g, err
	})
}

// respondWith makes the tokens of a session at a generation.
func (s *System) respondWith(g *grant, generation int64) (tokenResponse, error) {
	access, err := s.mint(g)
	return tokenResponse{TokenType: "Bearer", AccessToken: access, ExpiresIn: int(accessLife.Seconds()),
		RefreshToken: s.refreshText(refreshToken{g.session.id, generation})}, err
}

// credentials are what a program signs a person in with.
type credentials struct {
	Email    string `json:"email" doc:"Address of the account"`
	Password string `json:"password" doc:"Its password"`
}

// loginAPI signs a person in to a program: a mobile app, a command line. It
// holds the tokens itself and no cookie; the device's cookie is only so that the
// next sign-in of a program which keeps cookies is not told as a new device.
func (s *System) loginAPI(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[credentials](r)
	if err != nil {
		return err
	}
	n := newSessionFor(r, s.Secure)
	n.kind, n.token = apiSession, ""
	e, err := s.signIn(r.Context(), loginInput{Email: in.Email, Password: in.Password}, n)
	if err != nil {
		return err
	}
	return s.handTokens(w, r, n, e)
}

// handTokens is how a sign-in ends for a program: with its tokens, or with what to
// show the second step with.
func (s *System) handTokens(w http.ResponseWriter, r *http.Request, n newSession, e entry) error {
	if e.waits() {
		return web.JSON(w, http.StatusOK, mfaRequired{Required: true, Token: string(n.pending), Methods: e.methods})
	}
	if !e.deleteAt.IsZero() {
		return web.JSON(w, http.StatusOK, deletionScheduled{Scheduled: true, DeleteAt: e.deleteAt, KeepToken: string(n.keep)})
	}
	g, err := s.grantOf(r.Context(), e.session)
	if err != nil {
		return err
	}
	out, err := s.respondWith(g, 0)
	if err != nil {
		return err
	}
	if !web.OriginOf(r.Context()).Bearer {
		s.setCookie(w, deviceCookie, string(n.device), deviceLife)
	}
	return web.JSON(w, http.StatusOK, out)
}
