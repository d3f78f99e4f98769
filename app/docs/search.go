package docs

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"seaworthy/app/web"
)

// Bounds of a search: of what is asked, in characters and words, and of the answer.
const (
	maxQuery = 100
	maxWords = 8
	maxHits  = 40
)

// hit is a place that was found.
type hit struct {
	Title, In, Path string
	Excerpt         []mark
	score           int
}

// mark is a piece of an excerpt; On is what was asked for.
type mark struct {
	Text string
	On   bool
}

type searchData struct {
	Hits []hit
	More bool
}

func (s *System) search(w http.ResponseWriter, r *http.Request) error {
	query := web.CleanText(r.URL.Query().Get("q"), maxQuery)
	hits, err := s.find(query)
	if err != nil {
		return err
	}
	d := searchData{Hits: hits[:min(len(hits), maxHits)], More: len(hits) > maxHits}
	return s.render(w, r, "search", "", "Search", frame{Query: query, Content: d})
}

// find looks for places that have all words, the best first: a title says more than a
// text, and a whole word more than a part of one.
func (s *System) find(query string) ([]hit, error) {
	words := strings.Fields(strings.ToLower(query))
	words = words[:min(len(words), maxWords)]
	if len(words) == 0 {
		return nil, nil
	}
	all, err := s.library()
	if err != nil {
		return nil, fmt.Errorf("read the guide: %w", err)
	}
	var hits []hit
	// worth puts what explains before what merely lists, where both answer as well.
	add := func(h hit, text string, worth int) {
		if score := weigh(words, h.Title, h.In+" "+text); score > 0 {
			h.score, h.Excerpt = score+worth, excerpt(words, text)
			hits = append(hits, h)
		}
	}
	for _, p := range all.order {
		for _, part := range p.parts {
			h := hit{Title: part.heading.Title, In: p.title, Path: base + "/" + p.name}
			text := part.text
			if h.Path += "#" + part.heading.ID; part.heading.ID == "" {
				h = hit{Title: p.title, Path: base + "/" + p.name}
				text = p.Summary + " " + text
			}
			add(h, text, 3)
		}
	}
	for _, o := range s.Options() {
		add(hit{Title: o.Var, In: "Configuration", Path: base + "/config#" + o.Flag}, "--"+o.Flag+" "+o.Help, 2)
	}
	for _, c := range s.program() {
		add(hit{Title: c.Path, In: "Commands", Path: base + "/commands#" + c.Anchor()}, c.Help+" "+c.Detail, 2)
	}
	api, err := s.api()
	if err != nil {
		return nil, err
	}
	for _, g := range api.systems {
		for _, o := range g.Operations {
			add(hit{Title: o.Method + " " + o.Path, In: "API, " + g.Title, Path: base + "/api/" + g.Name + "#" + o.ID}, o.Summary+" "+o.Permission, 1)
		}
	}
	for _, p := range s.Permissions() {
		add(hit{Title: p.Name, In: "Permissions", Path: base + "/permissions#" + anchor(p.Name)}, p.Title+". "+p.Means, 1)
	}
	for _, k := range s.Actions() {
		add(hit{Title: string(k.Action), In: "Audit actions", Path: base + "/actions#" + anchor(string(k.Action))}, k.Title+". "+k.Means, 0)
	}
	slices.SortStableFunc(hits, func(a, b hit) int { return b.score - a.score })
	return hits, nil
}

// weigh says how well a place answers, 0 for not at all: each word has to be there.
func weigh(words []string, title, text string) int {
	title, text = strings.ToLower(title), strings.ToLower(text)
	score := 0
	for _, w := range words {
		switch {
		case whole(title, w):
			score += 40
		case strings.Contains(title, w):
			score += 20
		case whole(text, w):
			score += 8 + min(4, strings.Count(text, w))
		case strings.Contains(text, w):
			score += 4
		default:
			return 0
		}
	}
	return score
}

// whole reports whether a word stands in a text for itself.
func whole(text, word string) bool {
	for at := 0; ; {
		i := strings.Index(text[at:], word)
		if i < 0 {
			return false
		}
		begin, end := at+i, at+i+len(word)
		if (begin == 0 || !letter(text[begin-1])) && (end == len(text) || !letter(text[end])) {
			return true
		}
		at = begin + 1
	}
}

func letter(c byte) bool { return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c >= utf8.RuneSelf }

// excerptSize is about how much of a text is shown, in bytes.
const excerptSize = 220

// excerpt is the part of a text around the first word that is in it, with all words
// marked.
func excerpt(words []string, text string) []mark {
	lower := strings.ToLower(text)
	if len(lower) != len(text) {
		lower = text // a letter that changes its length: marks would be in the wrong place
	}
	from := len(text)
	for _, w := range words {
		if i := strings.Index(lower, w); i >= 0 {
			from = min(from, i)
		}
	}
	if from == len(text) {
		from = 0
	}
	from = max(0, from-60)
	for from > 0 && from < len(text) && text[from-1] != ' ' {
		from++
	}
	to := min(len(text), from+excerptSize)
	for to < len(text) && text[to] != ' ' {
		to++
	}
	var marks []mark
	if from > 0 {
		marks = append(marks, mark{Text: "… "})
	}
	for at := from; at < to; {
		next, size := to, 0
		for _, w := range words {
			if i := strings.Index(lower[at:to], w); i >= 0 && at+i < next {
				next, size = at+i, len(w)
			}
		}
		if next > at {
			marks = append(marks, mark{Text: text[at:next]})
		}
		if size > 0 {
			marks = append(marks, mark{text[next : next+size], true})
		}
		at = next + size
	}
	if to < len(text) {
		marks = append(marks, mark{Text: " …"})
	}
	return marks
}
