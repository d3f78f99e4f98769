package glance

import (
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 22, 12, 30, 0, 0, time.UTC)

func TestNumberText(t *testing.T) {
	t.Parallel()
	for want, n := range map[string]Number{
		"0": {}, "999": {N: 999}, "1,000": {N: 1000}, "1,234,567": {N: 1_234_567}, "-12,345": {N: -12_345}, "10,000+": {N: 10_000, AtLeast: true},
		"0 ms": {Unit: Millis}, "999 ms": {N: 999, Unit: Millis}, "1.5 s": {N: 1500, Unit: Millis}, "59.9 s": {N: 59_949, Unit: Millis}, "1 min": {N: 59_999, Unit: Millis}, "2 min": {N: 120_000, Unit: Millis},
		"0 %": {Unit: Percent}, "1.25 %": {N: 125, Unit: Percent}, "1.2 %": {N: 120, Unit: Percent}, "100 %": {N: 10_000, Unit: Percent}, "49.00 EUR": {N: 4900, Unit: "eur", Money: "49.00 EUR"},
	} {
		if got := n.Text(); got != want {
			t.Errorf("%+v is %q, want %q", n, got, want)
		}
	}
}

// What is urgent comes first, of these what has lasted longest, and of one thing told twice the last.
func TestUrgent(t *testing.T) {
	t.Parallel()
	all := Urgent([]Need{
		{Key: "a", Kind: Warn, Text: "new", Since: noon}, {Key: "dead", Kind: Warn, Text: "by the card", Since: noon}, {Key: "b", Kind: Warn, Text: "unknown"},
		{Key: "c", Kind: Danger, Text: "urgent", Since: noon.Add(time.Hour)}, {Key: "d", Kind: Warn, Text: "old", Since: noon.Add(-time.Hour)},
		{Key: "dead", Kind: Danger, Text: "by the alert", Since: noon}, {Kind: Warn, Text: "keyless 1"}, {Kind: Warn, Text: "keyless 2"},
	})
	var words []string
	for _, n := range all {
		words = append(words, n.Text)
	}
	if got := strings.Join(words, ", "); got != "by the alert, urgent, old, new, unknown, keyless 1, keyless 2" {
		t.Error(got)
	}
}

func TestStateOr(t *testing.T) {
	t.Parallel()
	well, bad, worse := State{Kind: OK, Word: "well"}, State{Kind: Warn, Word: "bad"}, State{Kind: Danger, Word: "worse"}
	if got := well.Or(bad).Or(worse).Or(bad); got != worse {
		t.Errorf("%+v", got)
	}
	if got := well.Or(State{Kind: OK, Word: "other"}); got != well {
		t.Errorf("%+v", got)
	}
}

// A line holds what happened in its steps, and nothing else.
func TestLine(t *testing.T) {
	t.Parallel()
	l := NewLine("an hour", noon, time.Hour, 3)
	for _, at := range []time.Duration{-3 * time.Hour, -150 * time.Minute, -2 * time.Hour, 0, 29 * time.Minute, 30 * time.Minute, 2 * time.Hour} {
		l.Add(noon.Add(at), 1)
	}
	if l.Sum() != 4 || l.Last() != 2 || l.Values[0] != 2 || l.Values[1] != 0 {
		t.Errorf("%v", l.Values)
	}
	if p := l.Points(); len(p) != 3 || !p[0].At.Equal(noon.Truncate(time.Hour).Add(-2*time.Hour)) || l.Days() {
		t.Errorf("%+v", p)
	}
	if got := l.Stroke(); got != "M0.0 2.0L60.0 30.0L120.0 2.0" {
		t.Errorf("the picture is %s", got)
	}
	if got := NewLine("nothing", noon, 24*time.Hour, 2); got.Stroke() != "M0.0 30.0L120.0 30.0" || !strings.HasSuffix(got.Fill(), "Z") {
		t.Errorf("an empty picture is %s", got.Stroke())
	}
}
