package glance

import (
	"fmt"
	"strings"
	"time"
)

// Line is how a figure went lately, in steps of one length.
type Line struct {
	Label  string        `json:"label"` // what is counted: "Sign-ups a day"
	From   time.Time     `json:"from"`
	Step   time.Duration `json:"-"`
	Values []int64       `json:"values"`
}

// NewLine is a line of n steps that ends with the step in which now is.
func NewLine(label string, now time.Time, step time.Duration, n int) *Line {
	return &Line{Label: label, From: now.UTC().Truncate(step).Add(-time.Duration(n-1) * step), Step: step, Values: make([]int64, n)}
}

// Add counts what happened at a time; what lies outside is left out.
func (l *Line) Add(at time.Time, n int64) {
	if at.Before(l.From) {
		return
	}
	if i := int(at.Sub(l.From) / l.Step); i < len(l.Values) {
		l.Values[i] += n
	}
}

// Sum is all of it.
func (l *Line) Sum() (sum int64) {
	for _, v := range l.Values {
		sum += v
	}
	return sum
}

// Last is the step that goes on now: today, or this hour.
func (l *Line) Last() int64 { return l.Values[len(l.Values)-1] }

// Point is a step with its value.
type Point struct {
	At time.Time
	N  int64
}

// Points are the steps, the oldest first.
func (l *Line) Points() []Point {
	all := make([]Point, len(l.Values))
	for i, v := range l.Values {
		all[i] = Point{l.From.Add(time.Duration(i) * l.Step), v}
	}
	return all
}

// Days reports whether the steps are days, which have no time of day to show.
func (l *Line) Days() bool { return l.Step >= 24*time.Hour }

// The picture's own measure: it is scaled to the card.
const (
	Width  = 120
	Height = 32
)

// Stroke is the line as the d of an SVG path, within Width and Height.
func (l *Line) Stroke() string {
	var most int64 = 1
	for _, v := range l.Values {
		most = max(most, v)
	}
	b, steps := strings.Builder{}, max(1, len(l.Values)-1)
	for i, v := range l.Values {
		letter := "L"
		if i == 0 {
			letter = "M"
		}
		fmt.Fprintf(&b, "%s%.1f %.1f", letter, float64(i)*Width/float64(steps), float64(Height-2)-float64(v)*(Height-4)/float64(most))
	}
	return b.String()
}

// Fill is the area below the line, as Stroke.
func (l *Line) Fill() string {
	return l.Stroke() + fmt.Sprintf("L%d %dL0 %dZ", Width, Height, Height)
}
