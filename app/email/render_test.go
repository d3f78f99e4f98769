package email

import (
	"log/slog"
	"strings"
	"testing"

	"seaworthy/app/email/compose"
)

// Words of the console that fail on a value nobody thought of give way to ours.
func TestOurWordsStandIn(t *testing.T) {
	t.Parallel()
	const head = "subject: %\npreheader: x\nclass: security\n---\n{{.Name}}\n"
	ours, err := compose.Parse("auth/x", strings.Replace(head, "%", "Ours", 1))
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := compose.Parse("auth/x", strings.Replace(head, "%", "Theirs", 1)+"[it](https://x.example/{{.Name}})\n")
	if err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	s := &System{Deps: Deps{Log: slog.New(slog.NewTextHandler(&said, nil)), Brand: compose.Brand{Name: "Acme"}}, templates: map[string]*compose.Template{"auth/x": ours}}
	s.brand.Store(&brandRow{})
	s.library.own = map[string]*kept{"auth/x": {name: "auth/x", parsed: theirs}}
	for name, want := range map[string]string{"ada": "Theirs", "Ada Secret": "Ours"} {
		m, err := s.render(t.Context(), "auth/x", compose.Texts(map[string]string{"Name": name}), "")
		if err != nil || m.Subject != want {
			t.Errorf("%s: %q, %v; want %s", name, m.Subject, err, want)
		}
	}
	if n := strings.Count(said.String(), "goes out in our words"); n != 1 || strings.Contains(said.String(), "Secret") {
		t.Errorf("%d lines: %s", n, said.String())
	}
}
