package web_test

import (
	"strings"
	"testing"
	"time"

	"seaworthy/app/web"
)

func TestWaitsAreRoundedUp(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{0: "1 second.", time.Second: "1 second.", 1200 * time.Millisecond: "2 seconds.", 2 * time.Second: "2 seconds.",
		59 * time.Second: "59 seconds.", time.Minute: "1 minute.", 61 * time.Second: "2 minutes.", time.Hour: "60 minutes."} {
		if got := web.TooMany(d).Public; !strings.HasSuffix(got, " in "+want) {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}
