package auth

import (
	"net/http"
	"net/url"

	"seaworthy/app/web"
	"seaworthy/store"
)

// permIntrospect lets an app ask about tokens that it was shown.
const permIntrospect = "auth:introspect"

// introspection is RFC 7662 section 2.2. For a token that does not work it is
// Active alone.
type introspection struct {
	Active      bool     `json:"active"`
	Use         string   `json:"token_use,omitempty"` // access or refresh
	TokenType   string   `json:"token_type,omitempty"`
	Issuer      string   `json:"iss,omitempty"`
	Subject     string   `json:"sub,omitempty"`
	Audience    []string `json:"aud,omitempty"`
	Client      string   `json:"client_id,omitempty"`
	Username    string   `json:"username,omitempty"`
	Expires     int64    `json:"exp,omitempty"` // seconds
	Issued      int64    `json:"iat,omitempty"`
	ID          string   `json:"jti,omitempty"`
	Session     string   `json:"sid,omitempty"`
	Org         string   `json:"org,omitempty"`
	Permissions []string `json:"permissions,omitempty"`
	Scope       string   `json:"scope,omitempty"`
	ACR         string   `json:"acr,omitempty"`
	AuthTime    int64    `json:"auth_time,omitempty"`
	Act         *actor   `json:"act,omitempty"` // who acts in the subject's place (RFC 8693 section 4.1)
}

// introspectEndpoint tells an app whether a token counts at this moment; its
// session's row says so, as for our own routes. Nothing is changed by asking: a
// refresh token is not used up.
func (s *System) introspectEndpoint(w http.ResponseWriter, r *http.Request, form url.Values) error {
	text := form.Get("token")
	if text == "" {
		return badRequest("token is missing.")
	}
	out, err := store.Read(r.Context(), s.DB, func(tx *store.Tx) (introspection, error) { return s.introspect(tx, text) })
	if err != nil && !isNotFound(err) {
		return err
	}
	return web.JSON(w, http.StatusOK, out)
}

func (s *System) introspect(tx *store.Tx, text string) (introspection, error) {
	if t, ours := s.parseRefresh(text); ours {
		se, err := sessionByID(tx, t.session)
		if err != nil || se.generation != t.generation {
			return introspection{}, err
		}
		out := s.describe(se)
		out.Use, out.Expires = "refresh", min(se.idleExp, se.absExp)/1000
		return out, nil
	}
	c, err := s.verify(text)
	if err != nil {
		return introspection{}, nil
	}
	se, err := sessionOf(tx, c)
	if se, err = standing(tx, se, err); err != nil {
		return introspection{}, err
	}
	out := s.describe(se)
	out.Use, out.TokenType, out.ID, out.Audience = "access", "Bearer", c.ID, c.Audience
	out.Issued, out.Expires, out.ACR = c.IssuedAt.Unix(), c.ExpiresAt.Unix(), c.ACR
	return out, nil
}

// describe is what the tokens of a session have in common.
func (s *System) describe(se *session) introspection {
	out := introspection{Active: true, Issuer: s.issuer(), Subject: se.user.id, Client: se.client, Username: se.user.email.typed, Session: se.id,
		Org: se.org, Permissions: se.permissions, Scope: se.scopes, AuthTime: se.authTime.Unix()}
	if se.impersonator != "" {
		out.Act = &actor{se.impersonator}
	}
	return out
}
