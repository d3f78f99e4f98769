package config

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

func TestOutboxes(t *testing.T) {
	t.Parallel()
	c, err := Load(env(map[string]string{"SEAWORTHY_DATA": t.TempDir(), "SEAWORTHY_OUTBOX": "/srv/shop/App.db, bills=rel/b=1.sqlite"}))
	if err != nil {
		t.Fatal(err)
	}
	rel, _ := filepath.Abs("rel/b=1.sqlite")
	if got := fmt.Sprint(c.Outboxes(nil)); got != "[{app /srv/shop/App.db} {bills "+rel+"}]" {
		t.Error(got)
	}
}

func TestOutboxesRefused(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	for value, want := range map[string]string{
		"/a/app.db,/b/app.db":         "two files called app",
		"a=/x.db,b=/x.db":             "has /x.db twice",
		"/a/my app.db":                "cannot be the name",
		"=x.db":                       "cannot be the name",
		"a=":                          "must be a list of paths",
		"a=" + data + "/seaworthy.db": "must not be Seaworthy's own database",
	} {
		_, err := Load(env(map[string]string{"SEAWORTHY_DATA": data, "SEAWORTHY_OUTBOX": value}))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", value, err)
		}
	}
}
