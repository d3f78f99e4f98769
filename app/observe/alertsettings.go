package observe

import (
	"net/http"

	"seaworthy/app/web"
	"seaworthy/store"
)

type settingsData struct {
	Rules     []Rule
	Channels  []Channel
	Operators []Operator
	Manage    bool
	Done      string
	Secret    string // of a webhook that was made just now
}

func (s *System) settingsPage(w http.ResponseWriter, r *http.Request) error {
	return s.showSettings(w, r, http.StatusOK, alertDone[r.URL.Query().Get("done")], "")
}

func (s *System) showSettings(w http.ResponseWriter, r *http.Request, status int, done, secret string) error {
	d := settingsData{Manage: web.IdentityOf(r.Context()).Can("alerts:manage"), Done: done, Secret: secret}
	var err error
	if d.Rules, err = s.Rules(r.Context()); err != nil {
		return err
	}
	if d.Channels, err = s.Channels(r.Context()); err != nil {
		return err
	}
	if d.Operators, err = store.Read(r.Context(), s.DB, s.Outside.Operators); err != nil {
		return err
	}
	return s.Pages.Render(w, r, "observe/alertsettings", web.View{Title: "Rules and channels", Status: status, Data: d})
}

// ruleInput is the form of a rule.
type ruleInput struct {
	Act      string `json:"act"`
	Enabled  bool   `json:"enabled"`
	Critical bool   `json:"critical"`
	Bound    int64  `json:"bound"` // as the factor, of rules that have one
	Minutes  int64  `json:"minutes"`
	Factor   int64  `json:"factor"`
}

func (s *System) ruleAct(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[ruleInput](r)
	if err != nil {
		return err
	}
	rule, _ := ruleOf(r.PathValue("kind"))
	c, done := RuleChange{Enabled: &in.Enabled, Critical: &in.Critical, Minutes: &in.Minutes}, "rule"
	if rule.Unit != "" {
		c.Bound = &in.Bound
	}
	if rule.Factor > 0 {
		c.Factor = &in.Factor
	}
	if in.Act == "reset" {
		c, done = RuleChange{Reset: true}, "reset"
	}
	if _, err := s.ChangeRule(r.Context(), r.PathValue("kind"), c); err != nil {
		return err
	}
	return web.SeeOther(w, r, alertsBase+"/settings?done="+done)
}

// channelInput is the form of a channel.
type channelInput struct {
	Act     string `json:"act"`
	Name    string `json:"name"`
	Kind    string `json:"kind"`
	To      string `json:"to"`
	URL     string `json:"url"`
	Level   string `json:"level"`
	PerHour int64  `json:"per_hour"`
	Enabled bool   `json:"enabled"`
}

// makeChannelAct answers with the page itself: a secret is shown once, and never in an address.
func (s *System) makeChannelAct(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[channelInput](r)
	if err != nil {
		return err
	}
	c := ChannelChange{Name: &in.Name, Kind: &in.Kind, Level: &in.Level, PerHour: &in.PerHour}
	if in.Kind == "mail" {
		c.To = &in.To
	} else {
		c.URL = &in.URL
	}
	made, err := s.MakeChannel(r.Context(), c)
	if err != nil {
		return err
	}
	if made.Secret == "" {
		return web.SeeOther(w, r, alertsBase+"/settings?done=made")
	}
	w.Header().Set("Cache-Control", "no-store")
	return s.showSettings(w, r, http.StatusOK, alertDone["made"], made.Secret)
}

func (s *System) channelAct(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[channelInput](r)
	if err != nil {
		return err
	}
	id := r.PathValue("id")
	switch in.Act {
	case "changed":
		c := ChannelChange{Name: &in.Name, Level: &in.Level, PerHour: &in.PerHour, Enabled: &in.Enabled}
		if in.To != "" || in.URL == "" {
			c.To = &in.To
		}
		if in.URL != "" {
			c.URL = &in.URL
		}
		_, err = s.ChangeChannel(r.Context(), id, c)
	case "tested":
		_, err = s.TestChannel(r.Context(), id)
	case "deleted":
		err = s.DeleteChannel(r.Context(), id)
	default:
		err = web.Invalid(web.Field{Field: "act", Code: "unknown", Message: "This is no act on a channel."})
	}
	if err != nil {
		return err
	}
	return web.SeeOther(w, r, alertsBase+"/settings?done="+in.Act)
}
