package auth

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"unicode/utf8"

	"seaworthy/app/web"
	"seaworthy/store"
)

// oauthError is a refusal as RFC 6749 section 5.2 writes it; clients of that
// protocol read no problem+json.
type oauthError struct {
	status      int
	challenge   string
	Code        string `json:"error"`
	Description string `json:"error_description,omitempty"`
}

func (e *oauthError) Error() string { return e.Code + ": " + e.Description }

func badRequest(description string) *oauthError {
	return &oauthError{Code: "invalid_request", Description: description}
}

// errGrant is the one answer to a token that buys nothing, whatever the reason.
var errGrant = &oauthError{Code: "invalid_grant", Description: "This refresh token has been used, has expired or was revoked. Sign in again."}

// oauth adapts an endpoint of RFC 6749: the form in, refusals in its own form out.
func oauth(endpoint func(w http.ResponseWriter, r *http.Request, form url.Values) error) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("Pragma", "no-cache") // section 5.1 asks for it beside Cache-Control
		form, err := oauthForm(r)
		if err == nil {
			err = endpoint(w, r, form)
		}
		var refusal *oauthError
		if !errors.As(err, &refusal) {
			return err
		}
		status := refusal.status
		if status == 0 {
			status = http.StatusBadRequest
		}
		if refusal.challenge != "" {
			w.Header().Set("WWW-Authenticate", refusal.challenge)
		}
		return web.JSON(w, status, refusal)
	}
}

// oauthForm reads the parameters. One that is given twice is refused, one that is
// not known is ignored, an empty one counts as left out (RFC 6749 section 3.2).
func oauthForm(r *http.Request) (url.Values, error) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/x-www-form-urlencoded" {
		return nil, badRequest("Send the parameters as application/x-www-form-urlencoded.")
	}
	raw, err := io.ReadAll(r.Body)
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return nil, err
	}
	form, formErr := url.ParseQuery(string(raw))
	if err != nil || formErr != nil {
		return nil, badRequest("The form could not be read.")
	}
	for name, values := range form {
		if len(values) > 1 {
			return nil, badRequest("A parameter is given twice.")
		}
		if !utf8.ValidString(name) || !utf8.ValidString(values[0]) {
			return nil, badRequest("The form is not UTF-8.")
		}
	}
	return form, nil
}

// tokenEndpoint is RFC 6749 section 3.2, for the refresh token (section 6). Our
// own client is a public one: it has no secret, and its refresh token is all the
// proof there is.
func (s *System) tokenEndpoint(w http.ResponseWriter, r *http.Request, form url.Values) error {
	if _, _, given := r.BasicAuth(); given || form.Get("client_secret") != "" {
		return &oauthError{status: http.StatusUnauthorized, challenge: `Basic realm="oauth2"`, Code: "invalid_client", Description: "No client has a secret here."}
	}
	switch form.Get("grant_type") {
	case "refresh_token":
	case "":
		return badRequest("grant_type is missing.")
	default:
		return &oauthError{Code: "unsupported_grant_type", Description: "Only refresh_token is taken here."}
	}
	if form.Get("refresh_token") == "" {
		return badRequest("refresh_token is missing.")
	}
	if form.Get("scope") != "" {
		return &oauthError{Code: "invalid_scope", Description: "A session has no scopes to choose from."}
	}
	t, ours := s.parseRefresh(form.Get("refresh_token"))
	if client := form.Get("client_id"); !ours || client != "" && client != firstParty {
		return errGrant
	}
	out, ok, err := s.refresh(r.Context(), t)
	if err != nil {
		return err
	}
	if !ok {
		return errGrant
	}
	return web.JSON(w, http.StatusOK, out)
}

// revokeEndpoint is RFC 7009: whoever shows a token of a session may end it. A
// token that is none gets the same answer, because it is what was wanted.
func (s *System) revokeEndpoint(w http.ResponseWriter, r *http.Request, form url.Values) error {
	text := form.Get("token")
	if text == "" {
		return badRequest("token is missing.")
	}
	id := ""
	if t, ours := s.parseRefresh(text); ours {
		id = t.session
	} else if c, err := s.verify(text); err == nil {
		id = c.Session
	}
	w.Header().Set("Cache-Control", "no-store")
	if id == "" {
		w.WriteHeader(http.StatusOK)
		return nil
	}
	err := s.DB.Write(r.Context(), func(tx *store.Tx) error {
		se, err := sessionByID(tx, id)
		if isNotFound(err) {
			return nil
		}
		if err == nil {
			_, err = s.revoke(tx, se.user.id, se.id, "its token was revoked")
		}
		return err
	})
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusOK)
	return nil
}
