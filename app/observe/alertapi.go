package observe

import (
	"net/http"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/web"
)

// The actions of alerts.
const (
	actAlertFired     audit.Action = "alert.fired"
	actAlertAcked     audit.Action = "alert.acknowledged"
	actAlertResolved  audit.Action = "alert.resolved"
	actRuleChanged    audit.Action = "alert_rule.changed"
	actSilenceMade    audit.Action = "alert_silence.created"
	actSilenceEnded   audit.Action = "alert_silence.ended"
	actChannelMade    audit.Action = "alert_channel.created"
	actChannelChanged audit.Action = "alert_channel.changed"
	actChannelDeleted audit.Action = "alert_channel.deleted"
	actChannelTested  audit.Action = "alert_channel.tested"
)

var alertActions = []audit.Kind{
	{Action: actAlertFired, Title: "Alert fired", Means: "Something needs a person, and whoever wants to know is told."},
	{Action: actAlertAcked, Title: "Alert acknowledged", Means: "Somebody looks after an alert."},
	{Action: actAlertResolved, Title: "Alert resolved", Means: "What an alert was about is well again, or somebody said so."},
	{Action: actRuleChanged, Title: "Alert rule changed", Means: "When something is worth an alert was changed."},
	{Action: actSilenceMade, Title: "Alerts held back", Means: "Nobody is told of some alerts for a time."},
	{Action: actSilenceEnded, Title: "Silence ended", Means: "Alerts are told of again, before the time was over."},
	{Action: actChannelMade, Title: "Alert channel created", Means: "Alerts are told to one more address."},
	{Action: actChannelChanged, Title: "Alert channel changed", Means: "Where alerts are told, or which, was changed."},
	{Action: actChannelDeleted, Title: "Alert channel deleted", Means: "Alerts are not told to an address any more."},
	{Action: actChannelTested, Title: "Alert channel tested", Means: "A message was sent to a channel that says that it is a test."},
}

const alertsBase = "/-/admin/alerts"

// RuleList is all rules as they are set.
type RuleList struct {
	Rules []Rule `json:"rules"`
}

// SilenceList is what holds alerts back now.
type SilenceList struct {
	Silences []Silence `json:"silences"`
}

// ChannelList is who is told.
type ChannelList struct {
	Channels []Channel `json:"channels"`
}

func (s *System) alertRoutes() []web.Route {
	see, manage := web.Permission("alerts:read"), web.Permission("alerts:manage")
	const api = "/-/api/v1/alerts"
	acked, resolved, rule := []string{string(actAlertAcked)}, []string{string(actAlertResolved)}, []string{string(actRuleChanged)}
	silence, ended := []string{string(actSilenceMade)}, []string{string(actSilenceEnded)}
	made, changed, deleted, tested := []string{string(actChannelMade)}, []string{string(actChannelChanged)}, []string{string(actChannelDeleted)}, []string{string(actChannelTested)}
	few := web.Limit{Every: lookEvery, Burst: 5, By: web.ByUser}
	return []web.Route{
		{Method: "GET", Pattern: api, Access: see, Handler: s.alertsAPI, Doc: web.Doc{Summary: "List alerts, the newest first: those that are not over, or all with state=all", Out: AlertPage{}}},
		{Method: "GET", Pattern: api + "/{id}", Access: see, Handler: s.alertAPI, Doc: web.Doc{Summary: "An alert with its timeline", Out: AlertDetail{}}},
		{Method: "POST", Pattern: api + "/{id}/acknowledge", Access: manage, Handler: s.ackAPI, Audit: acked, Doc: web.Doc{Summary: "Say that somebody looks after an alert", Out: AlertState{}}},
		{Method: "POST", Pattern: api + "/{id}/resolve", Access: manage, Handler: s.resolveAPI, Audit: resolved, Doc: web.Doc{Summary: "End an alert about an error", Out: AlertState{}}},
		{Method: "GET", Pattern: "/-/api/v1/alert-rules", Access: see, Handler: s.rulesAPI, Doc: web.Doc{Summary: "List the rules by which alerts fire", Out: RuleList{}}},
		{Method: "PATCH", Pattern: "/-/api/v1/alert-rules/{kind}", Access: manage, Handler: s.ruleAPI, Audit: rule, Doc: web.Doc{Summary: "Set a rule, or reset it", In: RuleChange{}, Out: Rule{}}},
		{Method: "GET", Pattern: "/-/api/v1/alert-silences", Access: see, Handler: s.silencesAPI, Doc: web.Doc{Summary: "List what holds alerts back now", Out: SilenceList{}}},
		{Method: "POST", Pattern: "/-/api/v1/alert-silences", Access: manage, Handler: s.silenceAPI, Audit: silence, Doc: web.Doc{Summary: "Hold alerts back for a time", In: SilenceChange{}, Out: Silence{}, Status: 201}},
		{Method: "DELETE", Pattern: "/-/api/v1/alert-silences/{id}", Access: manage, Handler: s.endSilenceAPI, Audit: ended, Doc: web.Doc{Summary: "End a silence before its time", Status: 204}},
		{Method: "GET", Pattern: "/-/api/v1/alert-channels", Access: see, Handler: s.channelsAPI, Doc: web.Doc{Summary: "List who is told of alerts", Out: ChannelList{}}},
		{Method: "POST", Pattern: "/-/api/v1/alert-channels", Access: manage, Handler: s.makeChannelAPI, Audit: made, Doc: web.Doc{Summary: "Make a channel; the secret of a webhook is told once", In: ChannelChange{}, Out: Channel{}, Status: 201}},
		{Method: "PATCH", Pattern: "/-/api/v1/alert-channels/{id}", Access: manage, Handler: s.changeChannelAPI, Audit: changed, Doc: web.Doc{Summary: "Change a channel", In: ChannelChange{}, Out: Channel{}}},
		{Method: "DELETE", Pattern: "/-/api/v1/alert-channels/{id}", Access: manage, Handler: s.deleteChannelAPI, Audit: deleted, Doc: web.Doc{Summary: "Delete a channel", Status: 204}},
		{Method: "POST", Pattern: "/-/api/v1/alert-channels/{id}/test", Access: manage, Handler: s.testChannelAPI, Audit: tested, Limit: few, Doc: web.Doc{Summary: "Send a channel a message that says that it is a test", Out: Delivery{}, Status: 202}},
		{Method: "GET", Pattern: alertsBase, Access: see, Handler: s.alertsPage},
		{Method: "GET", Pattern: alertsBase + "/settings", Access: see, Handler: s.settingsPage},
		{Method: "POST", Pattern: alertsBase + "/rules/{kind}", Access: manage, Handler: s.ruleAct, Audit: rule},
		{Method: "POST", Pattern: alertsBase + "/silences", Access: manage, Handler: s.silenceAct, Audit: silence},
		{Method: "POST", Pattern: alertsBase + "/silences/{id}/end", Access: manage, Handler: s.endSilenceAct, Audit: ended},
		{Method: "POST", Pattern: alertsBase + "/channels", Access: manage, Handler: s.makeChannelAct, Audit: made},
		{Method: "POST", Pattern: alertsBase + "/channels/{id}", Access: manage, Handler: s.channelAct, Audit: []string{changed[0], deleted[0], tested[0]}, Limit: web.Limit{Every: time.Second, Burst: 20, By: web.ByUser}},
		{Method: "GET", Pattern: alertsBase + "/{id}", Access: see, Handler: s.alertPage},
		{Method: "POST", Pattern: alertsBase + "/{id}", Access: manage, Handler: s.alertAct, Audit: []string{acked[0], resolved[0], silence[0]}},
		{Method: "GET", Pattern: observeBase, Access: see, Handler: s.observePage},
	}
}

func (s *System) alertsAPI(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	page, err := s.Alerts(r.Context(), q.Get("state") == "all", q.Get("cursor"), limitOf(q, 50))
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, page)
}

func (s *System) alertAPI(w http.ResponseWriter, r *http.Request) error {
	d, err := s.AlertDetail(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, d)
}

func (s *System) ackAPI(w http.ResponseWriter, r *http.Request) error {
	a, err := s.Acknowledge(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, AlertState{a, a.State()})
}

func (s *System) resolveAPI(w http.ResponseWriter, r *http.Request) error {
	a, err := s.ResolveAlert(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, AlertState{a, a.State()})
}

func (s *System) rulesAPI(w http.ResponseWriter, r *http.Request) error {
	all, err := s.Rules(r.Context())
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, RuleList{all})
}

func (s *System) ruleAPI(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[RuleChange](r)
	if err != nil {
		return err
	}
	rule, err := s.ChangeRule(r.Context(), r.PathValue("kind"), in)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, rule)
}

func (s *System) silencesAPI(w http.ResponseWriter, r *http.Request) error {
	all, err := s.Silences(r.Context())
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, SilenceList{append([]Silence{}, all...)})
}

func (s *System) silenceAPI(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[SilenceChange](r)
	if err != nil {
		return err
	}
	made, err := s.MakeSilence(r.Context(), in)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusCreated, made)
}

func (s *System) endSilenceAPI(w http.ResponseWriter, r *http.Request) error {
	if err := s.EndSilence(r.Context(), r.PathValue("id")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *System) channelsAPI(w http.ResponseWriter, r *http.Request) error {
	all, err := s.Channels(r.Context())
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, ChannelList{all})
}

func (s *System) makeChannelAPI(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[ChannelChange](r)
	if err != nil {
		return err
	}
	c, err := s.MakeChannel(r.Context(), in)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusCreated, c)
}

func (s *System) changeChannelAPI(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[ChannelChange](r)
	if err != nil {
		return err
	}
	c, err := s.ChangeChannel(r.Context(), r.PathValue("id"), in)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, c)
}

func (s *System) deleteChannelAPI(w http.ResponseWriter, r *http.Request) error {
	if err := s.DeleteChannel(r.Context(), r.PathValue("id")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *System) testChannelAPI(w http.ResponseWriter, r *http.Request) error {
	d, err := s.TestChannel(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusAccepted, d)
}
