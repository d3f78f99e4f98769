package flags_test

import (
	"encoding/json"
	"strconv"
	"testing"

	"seaworthy/app/apptest"
	"seaworthy/app/flags"
)

const api = "/-/api/v1/flags"

// client is a program that looks after flags.
type client struct {
	*apptest.Browser
	a *apptest.App
}

func newClient(a *apptest.App, permissions ...string) client {
	if permissions == nil {
		permissions = []string{"flags:*"}
	}
	c := client{a.Key(permissions...), a}
	c.Header.Set("Accept", "application/json")
	a.Forget()
	return c
}

// switchOf is a boolean flag with members beside its variants.
func switchOf(more string) string {
	if more != "" {
		more = "," + more
	}
	return `{"state":"ENABLED","variants":{"on":true,"off":false},"defaultVariant":"off"` + more + `}`
}

// put stores a flag, made from a version.
func (c client) put(key, definition string, version int) apptest.Page {
	c.T.Helper()
	return c.Do("PUT", api+"/"+key, "application/json", `{"definition":`+definition+`,"version":`+strconv.Itoa(version)+`}`)
}

func (c client) made(key, definition string) {
	c.T.Helper()
	c.put(key, definition, 0).Want(201)
}

func (c client) flag(key string) (f flags.FlagJSON) {
	c.T.Helper()
	c.Get(api + "/" + key).Want(200).JSON(&f)
	return f
}

// explain asks which variant a context gets.
func (c client) explain(key, context string) (e flags.Explained) {
	c.T.Helper()
	c.Do("POST", api+"/"+key+"/explain", "application/json", `{"context":`+context+`}`).Want(200).JSON(&e)
	return e
}

func (c client) patch(key, body string) apptest.Page {
	c.T.Helper()
	return c.Do("PATCH", api+"/"+key, "application/json", body)
}

// last are the details and changes of the newest event.
func last(a *apptest.App) (e struct {
	Action  string
	Details map[string]any
	Changes map[string]struct{ From, To any }
	Targets []struct{ Type, ID string }
}) {
	a.T.Helper()
	if err := json.Unmarshal(a.Events(1)[0].Body, &e); err != nil {
		a.T.Fatal(err)
	}
	return e
}

func newApp(t *testing.T) *apptest.App {
	t.Helper()
	return apptest.New(t, apptest.WithoutLimits)
}
