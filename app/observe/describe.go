package observe

import (
	"encoding/json"
	"net/url"
	"strings"
	"time"

	"seaworthy/app/observe/sentry"
	"seaworthy/app/redact"
)

// An event that was received is bounded, so that no sender decides how much is kept.
const (
	maxLinks   = 10
	maxSource  = 200     // bytes of a line of source
	withSource = 20      // calls that keep their source
	maxObject  = 8 << 10 // contexts and extra, each
)

// summarise fills in what an issue's row shows.
func (e *Event) summarise(in *sentry.Event) {
	a := e.App
	a.EventID, a.Level = string(in.ID), level(string(in.Level))
	a.Environment = short(in.Environment)
	e.Release = short(in.Release)
	e.Type, e.Message = "", in.Message.Text
	if e.Message == "" {
		e.Message = in.LogEntry.Text
	}
	if n := len(in.Exceptions); n > 0 { // what was thrown last is what people know it by
		last := in.Exceptions[n-1]
		e.Type, e.Message = clip(string(last.Type), 200), string(last.Value)
	}
	if e.Message == "" && e.Type == "" {
		e.Message = "(no message)"
	}
	e.Message = redact.Text(clip(e.Message, maxMessage))
	e.Culprit = culpritOf(in)
}

// level is a severity by the names of the protocol; what is none is an error.
func level(name string) string {
	switch name = strings.ToLower(name); name {
	case "debug", "info", "warning", "fatal":
		return name
	case "warn": // as slog and some programs say it
		return "warning"
	}
	return "error"
}

func short(t sentry.Text) string { return redact.Text(clip(string(t), 200)) }

// culpritOf is where it happened: the innermost call of the app, else what it was about.
func culpritOf(in *sentry.Event) string {
	if n := len(in.Exceptions); n > 0 {
		frames := in.Exceptions[n-1].Stack.Frames
		for i := len(frames) - 1; i >= 0; i-- {
			if inApp(&frames[i]) {
				return clip(frameName(&frames[i]), 200)
			}
		}
	}
	for _, t := range []sentry.Text{in.Transaction, in.Culprit, in.Platform} {
		if t != "" {
			return short(t)
		}
	}
	return "unknown"
}

// detail fills in the rest, for an event that is kept whole.
func (e *Event) detail(in *sentry.Event) {
	a := e.App
	a.Platform, a.Server, a.Transaction = short(in.Platform), short(in.Server), short(in.Transaction)
	a.SDK = strings.TrimSpace(short(in.SDK.Name) + " " + short(in.SDK.Version))
	a.Method, a.URL = short(in.Request.Method), hideURL(string(in.Request.URL), string(in.Request.Query))
	a.Headers, a.Tags = hidePairs(in.Request.Headers), hidePairs(in.Tags)
	a.UserID, a.UserEmail, a.UserName = short(in.User.ID), short(in.User.Email), short(in.User.Name)
	if in.User.Addr != "{{auto}}" {
		a.UserAddr = short(in.User.Addr)
	}
	if strings.HasPrefix(a.UserID, "usr_") { // the app knows its users by our ids
		e.User = a.UserID
	}
	a.Contexts, a.Extra = hideObject(in.Contexts), hideObject(in.Extra)
	links := in.Exceptions
	if len(links) == 0 {
		for _, thread := range in.Threads {
			if len(thread.Stack.Frames) > 0 {
				links = sentry.Values[sentry.Exception]{thread}
				break
			}
		}
	}
	for i := len(links) - 1; i >= 0 && len(a.Chain) < maxLinks; i-- {
		l := &links[i]
		a.Chain = append(a.Chain, Link{Type: short(l.Type), Value: redact.Text(clip(string(l.Value), maxMessage)), Handled: l.Mechanism.Handled, Frames: framesOf(l.Stack.Frames)})
	}
	e.Crumbs = crumbsOf(in.Crumbs)
}

// framesOf turns calls around, so that the innermost is first; of too many the outer go.
func framesOf(in []sentry.Frame) (out []Frame) {
	sources := 0
	for i := len(in) - 1; i >= 0 && len(out) < maxFrames; i-- {
		f := &in[i]
		g := Frame{Function: short(f.Function), Package: short(f.Module), File: short(f.File), Line: max(f.Line, 0), Column: max(f.Column, 0), Own: inApp(f)}
		if g.File == "" {
			g.File = short(f.Path)
		}
		if f.Source != "" && sources < withSource {
			sources++
			g.Source = linesOf(f)
		}
		out = append(out, g)
	}
	return out
}

// linesOf is the lines around a call, with their numbers.
func linesOf(f *sentry.Frame) (lines []SourceLine) {
	before, after := f.Before, f.After
	before = before[max(0, len(before)-5):]
	after = after[:min(len(after), 5)]
	n := f.Line - len(before)
	add := func(t sentry.Text, here bool) {
		lines = append(lines, SourceLine{N: n, Text: redact.Text(clip(strings.TrimRight(string(t), "\r\n"), maxSource)), Here: here})
		n++
	}
	for _, t := range before {
		add(t, false)
	}
	add(f.Source, true)
	for _, t := range after {
		add(t, false)
	}
	return lines
}

// crumbsOf are the last breadcrumbs, as lines.
func crumbsOf(in []sentry.Crumb) (out []Line) {
	for _, c := range in[max(0, len(in)-maxCrumbs):] {
		l := Line{At: c.At.Time, Level: levelOf(string(c.Level)), Message: redact.Text(clip(string(c.Message), 1<<10))}
		if l.At.IsZero() {
			l.At = time.UnixMilli(0).UTC()
		}
		if c.Category != "" {
			l.Message = strings.TrimSuffix(short(c.Category)+": "+l.Message, ": ")
		}
		if text := hideObject(c.Data); text != "" && len(text) < 2<<10 {
			l.Attrs, _ = json.Marshal(map[string]string{"data": text})
		}
		out = append(out, l)
	}
	return out
}

func hidePairs(in map[string]string) map[string]string {
	if len(in) == 0 {
		return nil
	}
	out := map[string]string{}
	for k, v := range in {
		out[redact.Text(clip(k, 100))] = hide(k, clip(v, 500))
	}
	return out
}

// hideObject is an object as indented text, without secrets.
func hideObject(raw sentry.Object) string {
	if len(raw) == 0 {
		return ""
	}
	return clip(redact.Text(redact.JSON(raw)), maxObject)
}

// hideURL is an address without credentials and without the values of secret parameters.
func hideURL(text, query string) string {
	u, err := url.Parse(clip(text, 2<<10))
	if err != nil {
		return redact.Text(clip(text, 2<<10))
	}
	if u.RawQuery == "" && !strings.HasPrefix(query, "[") && !strings.HasPrefix(query, "{") {
		u.RawQuery = strings.TrimPrefix(clip(query, 2<<10), "?")
	}
	u.User, u.Fragment, u.RawQuery = nil, "", hideParameters(u.RawQuery)
	return redact.Text(u.String())
}
