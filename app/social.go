package app

import (
	"seaworthy/app/auth/oidc"
	"seaworthy/app/auth/standin"
	"seaworthy/app/config"
	"seaworthy/app/web"
)

// providers are the places where people can sign in instead, as configured; in
// development also one of made-up people.
func (a *App) providers() (all []*oidc.Provider, err error) {
	cfg := a.Config
	add := func(s oidc.Settings, o oidc.Options) error {
		o.Clock, s.Redirect = a.o.Clock, redirect(cfg, s.Name)
		p, err := oidc.New(s, o)
		all = append(all, p)
		return err
	}
	for _, c := range cfg.Providers(func(string, ...any) {}) { // Validate has told of faults
		s := oidc.Settings{Kind: oidc.OIDC, Name: c.Name, Label: oidc.Label(c.Name), Issuer: c.Issuer, ClientID: c.ClientID, Secret: c.Secret,
			Domains: c.Domains, Loopback: c.Loopback}
		switch c.Name {
		case "google":
			s.Kind, s.Issuer = oidc.Google, oidc.GoogleIssuer
		case "github":
			s.Kind, s.Issuer = oidc.GitHub, oidc.GitHubIssuer
		}
		if err := add(s, oidc.Options{Transport: a.o.Outside, Through: a.Observe.Outgoing}); err != nil {
			return nil, err
		}
	}
	if !cfg.HasStandIn() {
		return all, nil
	}
	if a.StandIn, err = standin.New(standin.Options{Issuer: cfg.URL + standin.Path, Redirect: redirect(cfg, "standin"), Clock: a.o.Clock}); err != nil {
		return nil, err
	}
	return all, add(oidc.Settings{Kind: oidc.StandIn, Name: "standin", Label: "the stand-in provider", Issuer: a.StandIn.Issuer,
		ClientID: standin.ClientID, Secret: standin.Secret, Loopback: true}, oidc.Options{Transport: a.StandIn})
}

// redirect is where a provider sends people back to.
func redirect(cfg config.Config, name string) string {
	return cfg.URL + "/-/login/" + name + "/callback"
}

// ways are the providers as the pages show them.
func ways(all []*oidc.Provider) []web.SignInWay {
	var shown []web.SignInWay
	for _, p := range all {
		shown = append(shown, web.SignInWay{Name: p.Name, Label: p.Label, Icon: p.Icon()})
	}
	return shown
}
