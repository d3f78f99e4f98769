package glance

import (
	"fmt"
	"strconv"
	"strings"
)

// Unit is what a number counts.
type Unit string

// The units. Money is a Unit too: its ISO code in small letters.
const (
	Count   Unit = ""
	Millis  Unit = "ms"
	Percent Unit = "percent" // in hundredths: 125 is 1.25 %
)

// Number is one figure of a card.
type Number struct {
	Label   string `json:"label"`
	N       int64  `json:"value"` // of money, minor units
	Unit    Unit   `json:"unit,omitempty"`
	AtLeast bool   `json:"at_least,omitempty"` // it was counted up to a limit
	Money   string `json:"text,omitempty"`     // of money: as people read it
	Kind    Kind   `json:"kind,omitempty"`     // danger or warn where the figure itself is bad
	Path    string `json:"path,omitempty"`     // the list of what was counted
}

// Text is the number as people read it: "12,345", "1.2 s", "0.25 %".
func (n Number) Text() string {
	text := ""
	switch n.Unit {
	case Count:
		text = Grouped(n.N)
	case Millis:
		text = duration(n.N)
	case Percent:
		text = strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.2f", float64(n.N)/100), "0"), ".") + " %"
	default:
		text = n.Money
	}
	if n.AtLeast {
		text += "+"
	}
	return text
}

func duration(ms int64) string {
	switch {
	case ms < 1000:
		return strconv.FormatInt(ms, 10) + " ms"
	case ms < 59_950: // what is more would be shown as 60.0 s
		return strconv.FormatFloat(float64(ms)/1000, 'f', 1, 64) + " s"
	}
	return strconv.FormatInt(max(1, ms/60_000), 10) + " min"
}

// Grouped is a number with its thousands apart: "1,234,567".
func Grouped(n int64) string {
	digits, sign := strconv.FormatInt(n, 10), ""
	if digits[0] == '-' {
		digits, sign = digits[1:], "-"
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}
