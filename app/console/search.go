package console

import (
	"context"
	"net/http"
	"strings"
	"time"

	"seaworthy/app/find"
	"seaworthy/app/web"
	"seaworthy/store"
)

const (
	searchBase    = "/-/admin/search"
	searchShown   = 5   // of each group while somebody types
	searchAll     = 20  // of each group on the search's own page, and over the API
	shortestQuery = 2   // characters
	longestQuery  = 255 // bytes
	// searchTime is how long a search goes on to the next group. Each group is a few looks at an index,
	// so that it is reached only when the machine is in trouble.
	searchTime = 500 * time.Millisecond
)

// found is what a search came to.
type found struct {
	Query  string       `json:"query"`
	Groups []foundGroup `json:"groups"`
	Left   []string     `json:"left_off,omitempty"` // groups that were not looked through for want of time, or could not be
}

// foundGroup are the hits of one group.
type foundGroup struct {
	Group string     `json:"group"`
	Icon  string     `json:"-"`
	All   string     `json:"list,omitempty"` // path of the list of all that match
	Hits  []find.Hit `json:"hits"`
}

// search looks through every group that the caller may see.
func (s *System) search(ctx context.Context, id web.Identity, text string, limit int) (f found, err error) {
	f = found{Query: text, Groups: []foundGroup{}}
	if len([]rune(text)) < shortestQuery {
		return f, nil
	}
	q, begun := find.NewQuery(text, limit), time.Now()
	err = s.DB.Read(ctx, func(tx *store.Tx) error {
		for _, src := range s.Finds {
			if !id.Can(src.Permission) {
				continue
			}
			if time.Since(begun) > searchTime {
				f.Left = append(f.Left, src.Group)
				continue
			}
			hits, err := src.Find(ctx, tx, q)
			if err != nil {
				if ctx.Err() != nil {
					return err
				}
				s.Observe.Capture(ctx, err)
				f.Left = append(f.Left, src.Group)
				continue
			}
			if len(hits) == 0 {
				continue
			}
			g := foundGroup{Group: src.Group, Icon: src.Icon, Hits: hits}
			if src.All != nil && len(hits) >= limit {
				g.All = src.All(text)
			}
			f.Groups = append(f.Groups, g)
		}
		return nil
	})
	return f, err
}

// exact is the page of the one thing whose whole id is the query; "" for none.
func (f found) exact() string {
	path := ""
	for _, g := range f.Groups {
		for _, h := range g.Hits {
			if h.ID != "" && h.ID == f.Query && strings.Contains(h.ID, "_") {
				if path != "" && path != h.Path {
					return ""
				}
				path = h.Path
			}
		}
	}
	return path
}

// queryOf is what was typed, bounded and printable.
func queryOf(r *http.Request) string {
	return strings.TrimSpace(web.CleanText(r.URL.Query().Get("q"), longestQuery))
}

type searchData struct {
	found
	Short bool     // the query is too short to look for
	Typed []string // the query, for the box
}

func (s *System) searchPage(w http.ResponseWriter, r *http.Request) error {
	text, typing := queryOf(r), r.Header.Get("HX-Request") != ""
	limit := searchAll
	if typing {
		limit = searchShown
	}
	if !typing && strings.HasPrefix(text, "req_") && web.IdentityOf(r.Context()).Can("logs:read") {
		return web.SeeOther(w, r, first("/-/admin/logs", map[string][]string{"request": {text}}))
	}
	f, err := s.search(r.Context(), web.IdentityOf(r.Context()), text, limit)
	if err != nil {
		return err
	}
	if path := f.exact(); path != "" && !typing {
		return web.SeeOther(w, r, path)
	}
	return s.Pages.Render(w, r, "console/search", web.View{Title: "Search", Data: searchData{f, len([]rune(text)) < shortestQuery, []string{text}}})
}

func (s *System) searchAPI(w http.ResponseWriter, r *http.Request) error {
	text := queryOf(r)
	var c web.Check
	c.Fault(len([]rune(text)) >= shortestQuery, "q", "required", "Say at least two characters of what to look for.")
	if err := c.Err(); err != nil {
		return err
	}
	f, err := s.search(r.Context(), web.IdentityOf(r.Context()), text, searchAll)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, f)
}
