package billing

import "time"

// Preview is what a change would cost, as Stripe reckons it.
type Preview struct {
	Intent   string        `json:"id"`
	Lines    []PreviewLine `json:"lines"`
	Currency string        `json:"currency"`
	DueNow   int64         `json:"due_now"`    // charged when it is applied
	NextDue  int64         `json:"next_due"`   // on the next invoice, all in all
	NextAt   time.Time     `json:"next_at"`    // when that is
	Expires  time.Time     `json:"expires_at"` // it can be applied until then
}

// PreviewLine is a line of it; below zero is credit.
type PreviewLine struct {
	What      string `json:"description"`
	Amount    int64  `json:"amount"`
	Proration bool   `json:"proration"`
}
