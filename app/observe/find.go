package observe

import (
	"context"
	"fmt"
	"strings"

	sought "seaworthy/app/find"
	"seaworthy/store"
)

// mostTitles is how many issues, those seen last, are looked through for words of a title.
const mostTitles = 1000

// FindErrors finds issues that have the text in their title or in where they come from, those that were seen
// last first, or by how their id begins.
func (s *System) FindErrors(ctx context.Context, _ *store.Tx, q sought.Query) (hits []sought.Hit, err error) {
	err = s.issues(ctx, func(tx *store.Tx) error {
		latest, err := store.All(tx, scanIssue, `SELECT `+issueColumns+` FROM observe_issue ORDER BY last_seen DESC, id DESC LIMIT ?`, mostTitles)
		for _, i := range latest {
			if len(hits) == q.Limit || !strings.Contains(strings.ToLower(i.Title), q.Lower) && !strings.Contains(strings.ToLower(i.Culprit), q.Lower) && !strings.HasPrefix(i.ID, q.Lower) {
				continue
			}
			h := sought.Hit{ID: i.ID, Title: i.Title, Detail: fmt.Sprintf("%s, %d times", i.Culprit, i.N), Path: errorsBase + "/" + i.ID, Word: i.Status, Kind: "quiet"}
			if i.Status == "open" {
				h.Kind = "danger"
			}
			hits = append(hits, h)
		}
		return err
	})
	return hits, err
}
