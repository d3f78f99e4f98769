package billing

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/web"
	"seaworthy/queue"
	"seaworthy/store"
)

// The states of a reading of plans.
const (
	ImportWaiting = "waiting"
	ImportDone    = "done"
	ImportFailed  = "failed"
)

// Import is the last reading of plans from Stripe.
type Import struct {
	State, Detail string
	Asked, Ended  time.Time // Ended is zero while it is waited for
}

// ImportPlans is the job that reads what is sold at Stripe, and makes a plan of each
// product that has none.
type ImportPlans struct{}

// Kind implements queue.Args.
func (ImportPlans) Kind() string { return "billing.import_plans" }

// Defaults implements Enqueue's defaults.
func (ImportPlans) Defaults() []queue.Option { return append(Look{}.Defaults(), queue.MaxAttempts(5)) }

var errNoStripe = &web.Error{Status: http.StatusConflict, Code: "not_sold", Public: "There is no account at Stripe: set STRIPE_SECRET_KEY first."}

// ReadPlans has plans made of what is sold at Stripe. Plans that are known stay as they are.
func (s *System) ReadPlans(ctx context.Context) error {
	if !s.On() {
		return errNoStripe
	}
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		if _, err := queue.Enqueue(tx, ImportPlans{}, queue.Unique("import", 0)); err != nil {
			return err
		}
		if err := tx.ExecOne(`INSERT INTO billing_import (id, state, detail, asked_at, ended_at) VALUES ('plans', 'waiting', '', ?, 0)
			ON CONFLICT (id) DO UPDATE SET state = 'waiting', detail = '', asked_at = excluded.asked_at, ended_at = 0`, tx.Now().UnixMilli()); err != nil {
			return fmt.Errorf("keep that plans are read: %w", err)
		}
		return s.Audit.Record(tx, audit.Event{Action: actImportAsked, Targets: []audit.Ref{{Type: "plan", ID: "all"}}})
	})
}

// LastImport is the last reading of plans; ErrNotFound if there was none.
func LastImport(tx *store.Tx) (i Import, err error) {
	var asked, ended int64
	err = tx.QueryRow(`SELECT state, detail, asked_at, ended_at FROM billing_import WHERE id = 'plans'`).Scan(&i.State, &i.Detail, &asked, &ended)
	i.Asked, i.Ended = at(asked), at(ended)
	return i, err
}

func endImport(tx *store.Tx, state, detail string) error {
	_, err := tx.Exec(`UPDATE billing_import SET state = ?, detail = ?, ended_at = ? WHERE id = 'plans'`, state, detail, tx.Now().UnixMilli())
	return err
}

func (s *System) importPlans(ctx context.Context, job queue.Job[ImportPlans]) error {
	found, skipped, err := s.soldAtStripe(ctx)
	if err != nil {
		text := "Stripe was not reached. Ask again in a moment."
		switch {
		case isRefusal(err):
			text = web.CleanText(plain(err).Error(), 200) + "."
		case job.Attempt < job.MaxAttempts:
			return later(err)
		}
		return job.Complete(ctx, func(tx *store.Tx) error { return endImport(tx, ImportFailed, text) })
	}
	return job.Complete(ctx, func(tx *store.Tx) error { return s.keepImport(tx, found, skipped) })
}

// keepImport makes the plans that are not there yet. Prices of which a plan is known are left alone.
func (s *System) keepImport(tx *store.Tx, found []*sold, skipped int) error {
	made, known := 0, 0
	for i, p := range found {
		fresh, err := unknownPrices(tx, p.prices)
		if err != nil {
			return err
		}
		if _, err := planByKey(tx, p.key); err == nil || len(fresh) == 0 {
			known++
			continue
		} else if !isNotFound(err) {
			return err
		}
		in := PlanInput{Key: p.key, Kind: kindPlan, Name: p.name, About: p.about, Rank: int64(10 * (i + 1)), Prices: fresh, Comment: "read from Stripe"}
		if err := in.check(); err != nil {
			skipped++
			continue
		}
		if err := s.putPlan(tx, in, "[]", "{}"); err != nil {
			return fmt.Errorf("plan %s: %w", p.key, err)
		}
		made++
	}
	s.forget(tx, "")
	return endImport(tx, ImportDone, importWords(made, known, skipped))
}

func unknownPrices(tx *store.Tx, ids []string) (fresh []string, err error) {
	for _, id := range ids {
		if _, err := priceByID(tx, id); isNotFound(err) {
			fresh = append(fresh, id)
		} else if err != nil {
			return nil, err
		}
	}
	return fresh, nil
}

func importWords(made, known, skipped int) string {
	var b strings.Builder
	switch made {
	case 0:
		b.WriteString("No new plan was found at Stripe.")
	case 1:
		b.WriteString("One plan was made. Say next what it gives.")
	default:
		fmt.Fprintf(&b, "%d plans were made. Say next what each gives.", made)
	}
	switch {
	case known == 1:
		b.WriteString(" One product has a plan already.")
	case known > 1:
		fmt.Fprintf(&b, " %d products have a plan already.", known)
	}
	switch {
	case skipped == 1:
		b.WriteString(" One price was left out: it does not recur, is metered, or belongs to a product that is archived.")
	case skipped > 1:
		fmt.Fprintf(&b, " %d prices were left out: they do not recur, are metered, or belong to a product that is archived.", skipped)
	}
	return b.String()
}
