package observe

import (
	"strconv"
	"strings"
	"time"
)

// limits are the categories that a place does not want, and until when
// (develop.sentry.dev/sdk/expected-features/rate-limiting). "" stands for all.
type limits map[string]time.Time

const (
	longestLimit = time.Hour
	mostLimits   = 64 // categories that are remembered
)

// heed reads the headers X-Sentry-Rate-Limits of an answer: "60:error;default:project:quota, 300::key".
// It reports whether one named categories.
func (l limits) heed(headers []string, now time.Time) (named bool) {
	for _, header := range headers {
		for one := range strings.SplitSeq(header, ",") {
			fields := strings.Split(strings.TrimSpace(one), ":")
			seconds, err := strconv.ParseFloat(fields[0], 64)
			if err != nil || len(fields) < 2 || !(seconds > 0) {
				continue
			}
			until := now.Add(min(time.Duration(min(seconds, longestLimit.Seconds())*float64(time.Second)), longestLimit))
			for category := range strings.SplitSeq(fields[1], ";") {
				if category = strings.TrimSpace(category); len(l) < mostLimits || !l[category].IsZero() {
					l[category] = later(l[category], until)
				}
				named = true
			}
		}
	}
	return named
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// hold reports whether a category is not wanted now. What has none is never held.
func (l limits) hold(category string, now time.Time) bool {
	return category != "" && (now.Before(l[category]) || now.Before(l[""]))
}

// categoryOf is how a kind of item is counted by the protocol.
func categoryOf(kind string) string {
	switch kind {
	case "event":
		return "error"
	case "log":
		return "log_item"
	case "check_in":
		return "monitor"
	case "client_report":
		return "internal"
	case "sessions":
		return "session"
	case "raw_security":
		return "security"
	}
	return kind
}
