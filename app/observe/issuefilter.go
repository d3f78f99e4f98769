package observe

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"seaworthy/app/web"
	"seaworthy/store"
)

// IssueFilter narrows a list of issues. Empty fields narrow nothing.
type IssueFilter struct {
	Status      string
	Project     string // its number, or OurProject for this program
	Release     string // in which it was seen at least once
	Environment string // likewise
	Level       string // of the last occurrence
	Assignee    string // user id, or Nobody
	Text        string // in the title or the place, whatever its case
	Before      string // cursor: the position of the last issue that was looked at
	Limit       int
}

// Values of a filter that are neither a project nor a user.
const (
	OurProject = "ours"
	Nobody     = "nobody"
)

// issueLevels are what an event can be, the worst first.
var issueLevels = []string{"fatal", "error", "warning", "info", "debug"}

// narrowed reports whether a filter asks for more than a status.
func (f IssueFilter) narrowed() bool {
	return f.Project != "" || f.Release != "" || f.Environment != "" || f.Level != "" || f.Assignee != "" || f.Text != ""
}

// check finds what is wrong with a filter, and reads its cursor.
func (f *IssueFilter) check() (seen int64, id string, err error) {
	var c web.Check
	c.Fault(f.Status == "" || slices.Contains(statuses, f.Status), "status", "unknown", "One of open, resolved and ignored.")
	checkLimit(&c, f.Limit)
	c.Fault(f.Level == "" || slices.Contains(issueLevels, f.Level), "level", "unknown", "One of fatal, error, warning, info and debug.")
	if f.Project != "" && f.Project != OurProject {
		n, err := strconv.ParseInt(f.Project, 10, 64)
		c.Fault(err == nil && n > 0, "project", "form", "The number of a project, or ours.")
	}
	f.Release, f.Environment = c.Text("release", f.Release, 0, 200), c.Text("environment", f.Environment, 0, 200)
	f.Assignee, f.Text = c.Text("assignee", f.Assignee, 0, 100), c.Text("q", f.Text, 0, 200)
	if f.Before == "" {
		return math.MaxInt64, "", c.Err()
	}
	ms, id, ok := strings.Cut(f.Before, ".")
	seen, err = strconv.ParseInt(ms, 10, 64)
	_, isID := store.IDTime(id)
	c.Fault(ok && err == nil && isID, "cursor", "form", "Use next_cursor of the page before.")
	return seen, id, c.Err()
}

// project is the number that rows have; -1 for any.
func (f *IssueFilter) project() int64 {
	switch f.Project {
	case "":
		return -1
	case OurProject:
		return 0
	}
	n, _ := strconv.ParseInt(f.Project, 10, 64) // it was checked
	return n
}

// like is a pattern for LIKE that finds a text wherever it stands; % for none.
func like(text string) string {
	return "%" + strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`).Replace(strings.ToLower(text)) + "%"
}

// candidate is an issue that was looked at, and whether the filter lets it through.
type candidate struct {
	Issue
	match bool
}

func scanCandidate(r store.Scanner) (c candidate, err error) {
	c.Issue, err = scanIssue(scanMore{r, &c.match})
	return c, err
}

// scanMore scans one column more than it is asked for.
type scanMore struct {
	store.Scanner
	last any
}

func (s scanMore) Scan(dest ...any) error { return s.Scanner.Scan(append(dest, s.last)...) }

// issueMatch is 1 for an issue that a filter lets through. It is asked of each row of an index in its
// order, so that nothing is sorted; how many are looked at is bounded (see listIssues).
const issueMatch = `, CASE WHEN (? < 0 OR project = ?) AND (? = '' OR level = ?) AND (? = '' OR assignee = ?) AND merged_into = ''
	AND (? = '%%' OR lower(title) LIKE ? ESCAPE '\' OR lower(culprit) LIKE ? ESCAPE '\')
	AND (? = '' OR EXISTS (SELECT 1 FROM observe_issue_tag t WHERE t.issue = observe_issue.id AND t.name = 'release' AND t.value = ?))
	AND (? = '' OR EXISTS (SELECT 1 FROM observe_issue_tag t WHERE t.issue = observe_issue.id AND t.name = 'environment' AND t.value = ?)) THEN 1 ELSE 0 END`

// look is one batch of issues, those seen last first, with whether they match.
func (f *IssueFilter) look(tx *store.Tx, seen int64, id string, limit int) ([]candidate, error) {
	assignee := f.Assignee
	if assignee == Nobody {
		assignee = ""
	}
	text, project := like(f.Text), f.project()
	args := []any{project, project, f.Level, f.Level, f.Assignee, assignee, text, text, text, f.Release, f.Release, f.Environment, f.Environment}
	if f.Status == "" {
		return store.All(tx, scanCandidate, `SELECT `+issueColumns+issueMatch+` FROM observe_issue WHERE (last_seen, id) < (?, ?) ORDER BY last_seen DESC, id DESC LIMIT ?`,
			append(args, seen, id, limit)...)
	}
	return store.All(tx, scanCandidate, `SELECT `+issueColumns+issueMatch+` FROM observe_issue WHERE status = ? AND (last_seen, id) < (?, ?) ORDER BY last_seen DESC, id DESC LIMIT ?`,
		append(args, f.Status, seen, id, limit)...)
}

// Bounds of one page: a filter that little matches does not read everything there is.
const (
	lookBatch = 500
	lookMost  = 5000
)

// listIssues are the issues of a page, those seen last first, and the position from which older
// ones were not looked at yet; "" when there are none.
func listIssues(tx *store.Tx, f IssueFilter, seen int64, id string) (found []Issue, next string, err error) {
	batch := lookBatch
	if !f.narrowed() {
		batch = f.Limit + 1
	}
	for looked := 0; looked < lookMost; looked += batch {
		some, err := f.look(tx, seen, id, batch)
		if err != nil {
			return nil, "", err
		}
		for _, c := range some {
			if c.match && len(found) == f.Limit { // there is one more
				return found, next, nil
			}
			seen, id = c.LastSeen.UnixMilli(), c.ID
			next = strconv.FormatInt(seen, 10) + "." + id
			if c.match {
				found = append(found, c.Issue)
			}
		}
		if len(some) < batch {
			return found, "", nil
		}
	}
	return found, next, nil
}
