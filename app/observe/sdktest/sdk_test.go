// Package sdktest drives the ingest with the SDK of Sentry for Go as it is, in a module of
// its own, so that the program does not depend on it.
package sdktest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/getsentry/sentry-go"

	"seaworthy/app/apptest"
	"seaworthy/app/observe"
)

func charge() error { return fmt.Errorf("charge order 1042: %w", errors.New("the bank is closed")) }

// client is the SDK, given a project's address and nothing else.
func client(t *testing.T, a *apptest.App, c observe.ProjectChange) (*sentry.Hub, *sentry.Client) {
	t.Helper()
	c.Name = "shop"
	p, err := a.Observe.MakeProject(t.Context(), c)
	a.Must(err)
	sdk, err := sentry.NewClient(sentry.ClientOptions{Dsn: p.Keys[0].DSN, Release: "shop@1.4.2", Environment: "production", EnableTracing: true, TracesSampleRate: 1, AttachStacktrace: true})
	a.Must(err)
	return sentry.NewHub(sdk, sentry.NewScope()), sdk
}

func issues(t *testing.T, a *apptest.App) []observe.Issue {
	t.Helper()
	a.Observe.Flush()
	page, err := a.Observe.Issues(t.Context(), observe.IssueFilter{Limit: 10})
	a.Must(err)
	return page.Errors
}

func TestSentryGoReports(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	hub, sdk := client(t, a, observe.ProjectChange{})
	hub.AddBreadcrumb(&sentry.Breadcrumb{Category: "query", Message: "SELECT the order"}, nil)
	hub.Scope().SetUser(sentry.User{ID: "7", Email: "kim@example.com"})
	hub.Scope().SetTag("region", "eu")
	id := hub.CaptureException(charge())
	tx := sentry.StartTransaction(sentry.SetHubOnContext(context.Background(), hub), "GET /cart")
	tx.StartChild("db").Finish()
	tx.Finish()
	if !sdk.Flush(5 * time.Second) {
		t.Fatal("the SDK could not deliver")
	}
	all := issues(t, a)
	if len(all) != 1 || all[0].N != 1 || all[0].LastRelease != "shop@1.4.2" {
		t.Fatalf("issues are %+v", all)
	}
	d, err := a.Observe.Detail(t.Context(), all[0].ID)
	a.Must(err)
	app := d.Last.App
	if app.EventID != string(*id) || app.Environment != "production" || app.UserEmail != "kim@example.com" || app.Tags["region"] != "eu" || !strings.HasPrefix(app.SDK, "sentry.go 0.50") || len(d.Last.Crumbs) != 1 {
		t.Errorf("the event is %+v", app)
	}
	if len(app.Chain) < 2 || len(app.Chain[0].Frames) == 0 || !strings.Contains(app.Chain[0].Frames[0].Function, "TestSentryGoReports") || !app.Chain[0].Frames[0].Own {
		t.Errorf("the exceptions are %+v", app.Chain)
	}
	if lost := a.Observe.Dropped(); lost[observe.Drop{Class: "span", Reason: "segment"}] != 0 || lost[observe.Drop{Class: "item", Reason: "not_kept"}] != 0 {
		t.Errorf("dropped %v", lost)
	}
}

// Fault 2, as the SDK sees it: told to be quiet, it falls silent.
func TestSentryGoFallsSilent(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	hub, sdk := client(t, a, observe.ProjectChange{EventsMinute: 2})
	for range 30 {
		hub.CaptureException(charge())
		sdk.Flush(5 * time.Second)
	}
	all := issues(t, a)
	refused := a.Observe.Dropped()[observe.Drop{Class: "event", Reason: "quota"}]
	if len(all) != 1 || all[0].N != 2 || refused < 1 || refused > 3 {
		t.Errorf("%+v; %d requests were refused", all, refused)
	}
}
