package bench

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

const password = "a calm sea never made a sailor"

// signUp signs somebody up and returns the cookies of the session.
func (s *server) signUp(email string) ([]*http.Cookie, error) {
	res, err := s.client.Post(s.url+"/-/api/v1/signup", "application/json", strings.NewReader(fmt.Sprintf(`{"name":"Ada","email":%q,"password":%q}`, email, password)))
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusCreated {
		return nil, fmt.Errorf("sign up: %s", res.Status)
	}
	return res.Cookies(), nil
}

// tokens are what a program that signed in holds.
type tokens struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
}

// signIn signs that somebody in as a program.
func (s *server) signIn(email string) (tokens, error) {
	r, err := http.NewRequest("POST", s.url+"/-/api/v1/login", strings.NewReader(fmt.Sprintf(`{"email":%q,"password":%q}`, email, password)))
	if err != nil {
		return tokens{}, err
	}
	r.Header.Set("Content-Type", "application/json")
	return s.tokens(r)
}

// refresh rotates a refresh token.
func (s *server) refresh(token string) (tokens, error) {
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}
	r, err := http.NewRequest("POST", s.url+"/-/oauth2/token", strings.NewReader(form.Encode()))
	if err != nil {
		return tokens{}, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return s.tokens(r)
}

func (s *server) tokens(r *http.Request) (t tokens, err error) {
	body, err := s.send(r, http.StatusOK)
	if err != nil {
		return t, err
	}
	return t, json.Unmarshal(body, &t)
}

// get reads an address with what authorize adds, from as many clients as there are.
func (s *server) get(address string, authorize func(*http.Request)) error {
	r, err := http.NewRequest("GET", address, nil)
	if err != nil {
		return err
	}
	authorize(r)
	_, err = s.send(r, http.StatusOK)
	return err
}

// as shows cookies.
func as(cookies []*http.Cookie) func(*http.Request) {
	return func(r *http.Request) {
		for _, c := range cookies {
			r.AddCookie(c)
		}
	}
}

// bearer shows a token or a key.
func bearer(token string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
}
