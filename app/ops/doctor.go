// Package ops is for whoever runs the installation: its checks, backups,
// restores and upgrades.
package ops

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"time"

	"seaworthy/app/config"
	"seaworthy/app/email"
	"seaworthy/app/launch"
	"seaworthy/store"
)

// Doctor is the launch checklist in a terminal, with what concerns the files of the
// machine. It changes nothing, and works beside a running server and without one.
type Doctor struct {
	Sources []Source
	JSON    bool              // for programs, as the API tells it
	Offline bool              // nobody is asked: neither the DNS, nor the public address, nor the server
	TXT     email.TXT         // how the DNS is asked
	Outside http.RoundTripper // how the public address is called; the network if nil
}

// UnwellError is what Doctor found when not all is well.
type UnwellError struct{ Score launch.Score }

func (e *UnwellError) Error() string {
	if e.Score.Blocks > 0 {
		return "this is not fit for production"
	}
	return "some points want a look"
}

// Run checks and writes what it found. Its error is an UnwellError unless all is well.
func (d Doctor) Run(ctx context.Context, c config.Config, out io.Writer) error {
	points, err := d.examine(ctx, &c)
	if err != nil {
		return err
	}
	if d.JSON {
		text := json.NewEncoder(out)
		text.SetIndent("", "  ")
		err = text.Encode(Report(points))
	} else {
		err = report(out, points)
	}
	if err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	if score := Rate(points); score.Exit() != launch.ExitWell {
		return &UnwellError{Score: score}
	}
	return nil
}

// examine looks at the files first: where they are not sound, nothing is read from them.
func (d Doctor) examine(ctx context.Context, c *config.Config) (points []Point, err error) {
	path := filepath.Join(c.Data, "seaworthy.db")
	files, readable := fileChecks(ctx, c, path)
	var live []launch.Finding
	if !d.Offline {
		var ready Check
		ready, live = askServer(ctx, c)
		files = append(files, ready)
		live = append(live, d.looks(ctx, c)...)
	}
	sources := append([]Source{{"files", func(*store.Tx, *config.Config) ([]Check, error) { return files, nil }}}, d.Sources...)
	sources = append(sources, Source{"alerts", func(tx *store.Tx, c *config.Config) ([]Check, error) { return AlertChecks(tx, c, nil) }})
	if readable {
		err = store.ReadFile(ctx, path, func(tx *store.Tx) error {
			points, err = Checklist(tx, c, sources, live)
			return err
		})
		return points, err
	}
	for _, k := range append(files, ServerChecks(c)...) {
		points = append(points, Point{Check: k})
	}
	return append(points, Point{Check: Check{Key: "database.unread", System: "database", Title: "What is in the database is well", Blocks: true,
		Why: "Sign-in, billing, mail, backups and all else could not be checked.", Fix: "Start the server once with this release, or mend what is said above of the database.",
		State: launch.Unknown, Detail: "It was not read."}}), nil
}

// looks asks outside, as the job of the running server does.
func (d Doctor) looks(ctx context.Context, c *config.Config) []launch.Finding {
	within, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	found := email.LookUp(within, d.TXT, c)
	if c.Production() {
		found = append(found, visit(within, d.Outside, c.URL)...)
	}
	return found
}

// report writes the points for people.
func report(out io.Writer, points []Point) error {
	var unknown []string
	p := &printer{out: out}
	for _, g := range grouped(points) {
		if len(g.Open)+len(g.Done) == 0 {
			continue // nothing of it applies
		}
		p.printf("%s\n", g.Title)
		for _, v := range g.Open {
			p.printf("  %-10s %s: %s\n", terminalWord(v), v.Title, v.Detail)
			p.printf("             %s\n             Do: %s\n", v.Why, v.Fix)
			if v.State == launch.Unknown {
				unknown = append(unknown, v.Title)
			}
		}
		for _, v := range g.Done {
			p.printf("  %-10s %s: %s\n", "ok", v.Title, v.Detail)
		}
		for _, v := range g.Aside {
			if v.Dismissed != nil {
				p.printf("  %-10s %s. %s\n", "set aside", v.Title, v.Dismissed.Why)
			}
		}
		p.printf("\n")
	}
	score := Rate(points)
	p.printf("%d of %d done, %d %%.", score.Done, score.Of, score.Percent)
	switch {
	case score.Blocks > 0:
		p.printf(" NOT FIT FOR PRODUCTION: %d needed.\n", score.Blocks)
	case score.Open+score.Doubt > 0:
		p.printf(" Nothing that is needed is missing; %d want a look.\n", score.Open+score.Doubt)
	default:
		p.printf(" All is well.\n")
	}
	for i, title := range unknown {
		if i == 0 {
			p.printf("Could not be checked:\n")
		}
		p.printf("  - %s\n", title)
	}
	return p.err
}

func terminalWord(v pointView) string {
	switch {
	case v.State == launch.Todo && v.Blocks:
		return "NEEDED"
	case v.State == launch.Todo:
		return "to do"
	case v.State == launch.Warn:
		return "warn"
	}
	return "not known"
}

// printer keeps the first error.
type printer struct {
	out io.Writer
	err error
}

func (p *printer) printf(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.out, format, args...)
	}
}

// askTime is how long the running server may take to say how it is.
const askTime = 5 * time.Second
