package observe

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"seaworthy/app/web"
)

// levels are what a search can be narrowed to, by the name in its address.
var levels = []levelChoice{{"", "All levels", slog.LevelDebug}, {"warn", "Warnings and errors", slog.LevelWarn}, {"error", "Errors", slog.LevelError}}

// levelChoice is a level and what is worse.
type levelChoice struct {
	Name, Label string
	Level       slog.Level
}

// readSearch reads a search from an address, strictly: what is misspelt would be taken for
// an answer.
func readSearch(q url.Values) (f Search, err error) {
	var c web.Check
	f = Search{Level: slog.LevelDebug, Text: c.Text("q", q.Get("q"), 0, 200), Request: c.Text("request", q.Get("request"), 0, 100),
		User: c.Text("user", q.Get("user"), 0, 100), Job: c.Text("job", q.Get("job"), 0, 100)}
	at := slices.IndexFunc(levels, func(l levelChoice) bool { return l.Name == q.Get("level") })
	if c.Fault(at >= 0, "level", "unknown", "Either warn or error, or nothing."); at >= 0 {
		f.Level = levels[at].Level
	}
	f.Before = seqCursor(&c, q.Get("cursor"))
	f.Limit = limitOf(q, mostHits)
	checkLimit(&c, f.Limit)
	return f, c.Err()
}

// LogPage is one page of the log.
type LogPage struct {
	Lines []Line `json:"lines"`
	Next  string `json:"next_cursor,omitempty"` // of older lines; a page may be short and yet not the last
}

func (s *System) logAPI(w http.ResponseWriter, r *http.Request) error {
	f, err := readSearch(r.URL.Query())
	if err != nil {
		return err
	}
	lines, older, err := s.Lines(r.Context(), f)
	if err != nil {
		return err
	}
	out := LogPage{Lines: append([]Line{}, lines...)}
	if older > 0 {
		out.Next = strconv.FormatInt(older, 10)
	}
	return web.JSON(w, http.StatusOK, out)
}

// logRow is a line as the page shows it.
type logRow struct {
	Line
	Pill, Word string
	Brief      string // the attributes in short
	Whole      string // and all of them
}

type logData struct {
	Rows         []logRow
	Search       Search
	Level        string
	Levels       any
	Narrowed     bool
	Here         string // this list's address, for what refreshes it
	Older, Newer string
	Lost         string // what was not kept, "" for nothing
}

func (s *System) logPage(w http.ResponseWriter, r *http.Request) error {
	quiet(r)
	q := r.URL.Query()
	f, err := readSearch(q)
	if err != nil {
		return err
	}
	f.Limit = 100
	lines, older, err := s.Lines(r.Context(), f)
	if err != nil {
		return err
	}
	keep := url.Values{}
	for _, name := range []string{"level", "q", "request", "user", "job"} {
		if v := q.Get(name); v != "" {
			keep.Set(name, v)
		}
	}
	d := logData{Search: f, Level: q.Get("level"), Levels: levels, Narrowed: len(keep) > 0, Here: address(logsBase, keep, ""), Lost: s.lost()}
	if older > 0 {
		d.Older = address(logsBase, keep, strconv.FormatInt(older, 10))
	}
	if f.Before > 0 {
		d.Newer = d.Here
		d.Here = address(logsBase, keep, q.Get("cursor"))
	}
	for _, l := range lines {
		d.Rows = append(d.Rows, rowOf(l))
	}
	return s.Pages.Render(w, r, "observe/logs", web.View{Title: "Logs", Data: d})
}

// quiet keeps a live page's asking again out of the log: it would see itself, and ask
// again because of that.
func quiet(r *http.Request) {
	if r.Header.Get("HX-Request") != "" && r.Header.Get("HX-Boosted") == "" {
		web.OriginOf(r.Context()).Quiet = true
	}
}

// address is a list's address with its filters and a cursor.
func address(path string, keep url.Values, cursor string) string {
	q := url.Values{}
	for k, v := range keep {
		q[k] = v
	}
	if cursor != "" {
		q.Set("cursor", cursor)
	}
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}

func rowOf(l Line) logRow {
	row := logRow{Line: l, Pill: "quiet", Word: "info"}
	switch {
	case l.Level >= slog.LevelError:
		row.Pill, row.Word = "danger", "error"
	case l.Level >= slog.LevelWarn:
		row.Pill, row.Word = "warn", "warning"
	}
	row.Brief, row.Whole = brief(l.Attrs)
	return row
}

// long are attributes that the short form leaves out.
var long = []string{"stack", "bytes", "ip", "method", "key"}

// brief is attributes as people read them: in short on one line, and whole.
func brief(raw []byte) (short, whole string) {
	var attrs map[string]any
	d := json.NewDecoder(strings.NewReader(string(raw)))
	d.UseNumber()
	if len(raw) == 0 || d.Decode(&attrs) != nil {
		return "", ""
	}
	names := make([]string, 0, len(attrs))
	for name := range attrs {
		names = append(names, name)
	}
	slices.Sort(names)
	var few, all strings.Builder
	for _, name := range names {
		text := fmt.Sprint(attrs[name])
		fmt.Fprintf(&all, "%s: %s\n", name, text)
		line, _, _ := strings.Cut(text, "\n")
		if few.Len() < 240 && !slices.Contains(long, name) {
			fmt.Fprintf(&few, "%s=%s ", name, clip(line, 120))
		}
	}
	return strings.TrimSpace(few.String()), strings.TrimSpace(all.String())
}

// why says in words for what reason lines were not kept.
var why = map[string]string{
	"ring_full": "more came than could be written", "disk_floor": "the disk is nearly full, and the rest is kept for the business",
	"disk_full": "the disk was full", "file_corrupt": "a telemetry file was damaged and begun anew", "file_failed": "the telemetry files could not be written",
	"too_many_waiting": "there were more different errors than can be told apart", "waited_too_long": "the files could not be written for long", "segment": "the file could not be written",
	"duplicate": "it came twice", "not_kept": "it is of a kind that is not kept here", "quota": "the project had sent as much as it may", "not_sent": "the SDK gave it up before it was sent",
}

// lost says what was not kept since the start.
func (s *System) lost() string {
	var parts []string
	for d, n := range s.Dropped() {
		if d.Class == "log" {
			parts = append(parts, fmt.Sprintf("%d lines of the log were not kept since the start: %s.", n, why[d.Reason]))
		}
	}
	slices.Sort(parts)
	return strings.Join(parts, " ")
}

// changes tells a page that something was written.
func (s *System) changes(w http.ResponseWriter, r *http.Request) error {
	changed, stop := s.news.listen()
	defer stop()
	return web.Stream(w, r, changed)
}
