package console

import (
	"io/fs"
	"net/http"
	"time"

	"seaworthy/app/glance"
	"seaworthy/app/web"
	"seaworthy/assets"
)

// designPath is the page of the design language, in development alone.
const designPath = "/-/dev/ui"

// designRoutes are none in production: there the page does not exist.
func (s *System) designRoutes() []web.Route {
	if s.Pages.Site().Production {
		return nil
	}
	return []web.Route{{Method: "GET", Pattern: designPath, Access: web.Public, Handler: s.design}}
}

// designData is what the page of the design language shows.
type designData struct {
	Themes []designTheme
	Ratios []ratio
	Form   *web.Form // as it stands after it was refused
}

// designTheme is one of the two columns.
type designTheme struct {
	Name   string
	Tokens []token
	Form   *web.Form
	Card   glance.Card
	Chips  []chip
	Pager  struct{ Newer, Older string }
	Moment time.Time
}

func (s *System) design(w http.ResponseWriter, r *http.Request) error {
	css, err := fs.ReadFile(assets.FS, "css/app.css")
	if err != nil {
		return err
	}
	tokens := tokensOf(string(css))
	ratios, err := ratiosOf(tokens)
	if err != nil {
		return err
	}
	now := s.DB.Now()
	d := designData{Ratios: ratios, Form: &web.Form{}}
	for _, name := range []string{"light", "dark"} {
		t := designTheme{Name: name, Tokens: tokens, Card: sampleCard(now), Moment: now.Add(-3 * time.Hour),
			Chips: []chip{{Label: "All", Path: designPath, On: true}, {Label: "Active", Path: designPath}, {Label: "Not verified", Path: designPath}}}
		t.Pager.Newer, t.Pager.Older = designPath, designPath
		t.Form = &web.Form{Values: map[string]string{"mail-" + name: "ada@", "name-" + name: "Ada"},
			Err: &web.Error{Status: http.StatusUnprocessableEntity, Public: "One field needs another look.", Fields: []web.Field{{Field: "mail-" + name, Code: "email", Message: "This does not look like an email address."}}}}
		d.Themes = append(d.Themes, t)
	}
	return s.Pages.Render(w, r, "console/design", web.View{Title: "Design language", Data: d})
}

// sampleCard is a card as the home shows one.
func sampleCard(now time.Time) glance.Card {
	line := glance.NewLine("Jobs done an hour", now, time.Hour, 24)
	for i := range line.Values {
		line.Values[i] = int64(20 + i*7%13 + i)
	}
	return glance.Card{System: "jobs", Title: "Jobs", Icon: "list-checks", Path: designPath, State: glance.State{Kind: glance.Warn, Word: "Dead letters", Detail: "Some jobs gave up and wait for a person."}, Line: line,
		Numbers: []glance.Number{{Label: "Done in 24 hours", N: line.Sum()}, {Label: "Ready to run", N: 12}, {Label: "Dead letters", N: 3, Kind: glance.Danger}}}
}
