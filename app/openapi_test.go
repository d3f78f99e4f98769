package app_test

import (
	"strings"
	"testing"

	"seaworthy/app/apptest"
)

// The description is made once for a brand, and anew when it has another name.
func TestDescriptionFollowsTheBrand(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	title := func() string {
		var doc struct{ Info struct{ Title string } }
		a.Browser().Get("/-/api/openapi.json").Want(200).JSON(&doc)
		return doc.Info.Title
	}
	for range 2 {
		if got := title(); got != "Acme API" {
			t.Errorf("the title is %q", got)
		}
	}
	a.Key("email:manage").Do("PUT", "/-/api/v1/email/brand", "application/json", `{"version":0,"name":"Rockets & Boats"}`).Want(200)
	if got := title(); got != "Rockets & Boats API" {
		t.Errorf("the title is %q", got)
	}
	if page := a.Browser().Get("/-/api/openapi.json").Want(200); !strings.HasSuffix(page.Body, "}\n") || page.Header.Get("Content-Type") != "application/json" {
		t.Errorf("it is %s and ends with %q", page.Header.Get("Content-Type"), page.Body[len(page.Body)-5:])
	}
}
