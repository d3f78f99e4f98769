package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// problem is RFC 9457 application/problem+json.
type problem struct {
	Type      string  `json:"type"`
	Title     string  `json:"title"`
	Status    int     `json:"status"`
	Detail    string  `json:"detail"`
	Code      string  `json:"code"`
	RequestID string  `json:"request_id,omitempty"`
	Errors    []Field `json:"errors,omitempty"`
	Link      string  `json:"link,omitempty"` // page where something can be done about it
}

// Dialect is how errors are told under addresses whose protocol has a form of its own.
type Dialect struct {
	Prefix string // of paths
	// Write answers with an error that the client may know; Retry-After and
	// WWW-Authenticate are set already.
	Write func(w http.ResponseWriter, r *http.Request, e *Error)
}

// dialect is how an error of a request is told, nil for our own way.
func (s *Server) dialect(r *http.Request) func(http.ResponseWriter, *http.Request, *Error) {
	for _, d := range s.Dialects {
		if strings.HasPrefix(r.URL.Path, d.Prefix) {
			return d.Write
		}
	}
	return nil
}

// respondError is the one place where an error becomes a response.
func (s *Server) respondError(w http.ResponseWriter, r *http.Request, err error) {
	e := AsError(err)
	origin := OriginOf(r.Context())
	if e.Status >= 500 {
		s.log.ErrorContext(r.Context(), "request failed", slog.Int("status", e.Status), slog.String("problem", e.Code),
			slog.String("method", r.Method), slog.String("route", origin.Route), slog.String("request_id", origin.RequestID), slog.Any("err", err))
		if e.Err != nil || e.Status == http.StatusInternalServerError { // else it was sent away on purpose
			s.capture(r, err, e.Status)
		}
	}
	if e.Status == clientGone {
		if !errors.Is(err, errUnsent) {
			w.WriteHeader(e.Status) // for the log; and should somebody be there after all, it is no success
		}
		return
	}
	setRetryAfter(w, e)
	if write := s.dialect(r); write != nil {
		if how := challenge(r, e); how != "" {
			w.Header().Set("WWW-Authenticate", how)
		}
		write(w, r, e)
		return
	}
	if e.Instead != "" && !WantsJSON(r) && (r.Method == http.MethodGet || e.Instead != ErrSignedOut.Instead) {
		http.Redirect(w, r, e.Instead+"?next="+queryEscape(comeBack(r)), http.StatusSeeOther)
		return
	}
	if how := challenge(r, e); how != "" {
		w.Header().Set("WWW-Authenticate", how)
	}
	if WantsJSON(r) {
		WriteProblem(w, e, origin.RequestID)
		return
	}
	view := View{Title: http.StatusText(e.Status), Status: e.Status, Data: e}
	if err := s.pages.Render(w, r, "error", view); err != nil {
		s.log.Error("the error page failed", "err", err)
		http.Error(w, e.Public, e.Status)
	}
}

// setRetryAfter says when to try again, in whole seconds (RFC 9110 section 10.2.3).
func setRetryAfter(w http.ResponseWriter, e *Error) {
	if e.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(wholeSeconds(e.RetryAfter)))
	}
}

// comeBack is where somebody was, who is led elsewhere first: the page itself,
// or the one whose form was sent.
func comeBack(r *http.Request) string {
	if r.Method == http.MethodGet {
		return r.URL.RequestURI()
	}
	from, err := url.Parse(r.Referer())
	if err != nil || from.Host != r.Host {
		return "/-/account"
	}
	return LocalPath(from.RequestURI(), "/-/account")
}

// challenge says how to sign in; every 401 must have one (RFC 9110 section 15.5.2).
func challenge(r *http.Request, e *Error) string {
	switch {
	case e.Challenge != "" || e.Status != http.StatusUnauthorized:
		return e.Challenge
	case WantsJSON(r):
		return "Bearer"
	}
	return "Session"
}

// WriteProblem writes an error as problem+json.
func WriteProblem(w http.ResponseWriter, e *Error, requestID string) {
	body, _ := json.Marshal(problem{Type: "about:blank", Title: statusText(e.Status), Status: e.Status, Detail: e.Public,
		Code: e.Code, RequestID: requestID, Errors: e.Fields, Link: e.Link})
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(e.Status)
	w.Write(append(body, '\n'))
}

func statusText(status int) string {
	if t := http.StatusText(status); t != "" {
		return t
	}
	return "Error"
}

// WantsJSON reports whether a program rather than a person is asking.
func WantsJSON(r *http.Request) bool {
	if strings.HasPrefix(r.URL.Path, "/-/api/") || OriginOf(r.Context()).Bearer {
		return true
	}
	if strings.HasPrefix(r.URL.Path, "/-/oauth2/") && r.Method == http.MethodPost {
		return true
	}
	accept := r.Header.Get("Accept")
	return strings.Contains(accept, "application/json") && !strings.Contains(accept, "text/html")
}

// JSON writes v with a status.
func JSON(w http.ResponseWriter, status int, v any) error {
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, err := body.WriteTo(w)
	return err
}
