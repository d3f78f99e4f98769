package oidc

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"golang.org/x/oauth2"
)

// GitHub speaks OAuth and no OpenID Connect: who somebody is comes from its API
// (docs.github.com, "Authorizing OAuth apps").
var githubEndpoint = oauth2.Endpoint{AuthURL: "https://github.com/login/oauth/authorize", TokenURL: "https://github.com/login/oauth/access_token",
	AuthStyle: oauth2.AuthStyleInParams}

const githubAPI = "https://api.github.com"

// profile asks GitHub who holds an access token. The subject is the number of
// the account: its name can be given up and taken by another.
func (p *Provider) profile(ctx context.Context, access string) (Claims, error) {
	var user struct {
		ID    int64  `json:"id"`
		Login string `json:"login"`
		Name  string `json:"name"`
	}
	if err := p.githubAsk(ctx, "/user", access, &user); err != nil {
		return Claims{}, err
	}
	if user.ID <= 0 {
		return Claims{}, refuse("profile", "the account has no number")
	}
	var emails []githubEmail
	if err := p.githubAsk(ctx, "/user/emails?per_page=100", access, &emails); err != nil {
		return Claims{}, err
	}
	c := Claims{Issuer: p.Issuer, Sub: strconv.FormatInt(user.ID, 10), Name: user.Name}
	if c.Name == "" {
		c.Name = user.Login
	}
	c.Email, c.Verified = pickEmail(emails)
	return c, nil
}

type githubEmail struct {
	Email    string `json:"email"`
	Primary  bool   `json:"primary"`
	Verified bool   `json:"verified"`
}

// pickEmail is the primary address, or else the first that is verified.
func pickEmail(all []githubEmail) (email string, verified bool) {
	for _, e := range all {
		if e.Primary && e.Verified {
			return e.Email, true
		}
		if e.Verified && !verified || e.Primary && email == "" {
			email, verified = e.Email, e.Verified
		}
	}
	return email, verified
}

func (p *Provider) githubAsk(ctx context.Context, path, access string, into any) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, githubAPI+path, nil)
	if err != nil {
		return refuse("profile", "%w", err)
	}
	r.Header.Set("Authorization", "Bearer "+access)
	r.Header.Set("Accept", "application/vnd.github+json")
	r.Header.Set("X-GitHub-Api-Version", "2022-11-28")
	r.Header.Set("User-Agent", "seaworthy")
	res, err := p.client.Do(r)
	if err != nil {
		return refuse("unavailable", "%w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return refuse("profile", "%s answered %d", path, res.StatusCode)
	}
	if err := json.NewDecoder(res.Body).Decode(into); err != nil {
		return refuse("profile", "%w", fmt.Errorf("%s: %w", path, err))
	}
	return nil
}
