package observe

import (
	"strconv"
	"time"
)

// Millis is a length of time in ms, which pages show as people read it.
type Millis float64

func millis(d time.Duration) Millis { return Millis(float64(d.Microseconds()) / 1000) }

// String says the time in the unit that fits.
func (m Millis) String() string {
	switch {
	case m >= 60_000:
		return strconv.FormatFloat(float64(m)/60_000, 'f', 1, 64) + " min"
	case m >= 1000:
		return strconv.FormatFloat(float64(m)/1000, 'f', 2, 64) + " s"
	case m >= 100:
		return strconv.FormatFloat(float64(m), 'f', 0, 64) + " ms"
	case m >= 1:
		return strconv.FormatFloat(float64(m), 'f', 1, 64) + " ms"
	case m > 0:
		return strconv.FormatFloat(float64(m)*1000, 'f', 0, 64) + " µs"
	}
	return "0"
}
