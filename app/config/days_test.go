package config

import (
	"testing"
	"time"
)

func TestDays(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{"90d": 90 * 24 * time.Hour, "1d": 24 * time.Hour, "12h": 12 * time.Hour, "1h30m": 90 * time.Minute,
		"": 0, "d": 0, "0d": 0, "-1d": 0, "-3h": 0, "5x": 0, "1.5d": 0, "90": 0, "70000d": 0, " 1d": 0} {
		var d Days
		if err := d.UnmarshalText([]byte(text)); (err == nil) != (want > 0) || time.Duration(d) != want {
			t.Errorf("%q: %v, %v", text, time.Duration(d), err)
		}
	}
}
