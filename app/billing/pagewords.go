package billing

import (
	"maps"
	"slices"
	"strings"

	"seaworthy/app/web"
)

func subPill(s subRow) web.Pill {
	switch {
	case s.status == "trialing":
		return web.Pill{Kind: "info", Word: "trial"}
	case s.status == "paused":
		return web.Pill{Kind: "warn", Word: "trial over, no card"}
	case s.pauseFrom > 0 && !s.paused:
		return web.Pill{Kind: "warn", Word: "pauses"}
	case s.pause != "":
		return web.Pill{Kind: "warn", Word: "paused"}
	case s.state == Active && (s.cancelAtEnd || s.cancelAt > 0):
		return web.Pill{Kind: "warn", Word: "ends"}
	}
	return statePill(s.state)
}

func statePill(s State) web.Pill {
	switch s {
	case Active:
		return web.Pill{Kind: "ok", Word: "active"}
	case Grace:
		return web.Pill{Kind: "warn", Word: "overdue"}
	case Restricted:
		return web.Pill{Kind: "danger", Word: "restricted"}
	case Canceled:
		return web.Pill{Kind: "quiet", Word: "ended"}
	}
	return web.Pill{Kind: "quiet", Word: string(s)}
}

func invoicePill(i invoiceRow) web.Pill {
	switch i.status {
	case "paid":
		return web.Pill{Kind: "ok", Word: "paid"}
	case "open":
		if i.attempts > 0 {
			return web.Pill{Kind: "danger", Word: "unpaid"}
		}
		return web.Pill{Kind: "info", Word: "open"}
	case "uncollectible":
		return web.Pill{Kind: "warn", Word: "written off"}
	}
	return web.Pill{Kind: "quiet", Word: i.status}
}

// planLines are what a plan gives, in words: limits, then features.
func planLines(p Plan) (lines []string) {
	for _, name := range slices.Sorted(maps.Keys(p.Limits)) {
		l, what := p.Limits[name], plainName(name)
		switch {
		case l.Unlimited:
			lines = append(lines, "Any number of "+what)
		case l.PerUnit:
			lines = append(lines, itoa(l.Value)+" "+what+" for each that you pay for")
		default:
			lines = append(lines, itoa(l.Value)+" "+what)
		}
	}
	for _, f := range p.Features {
		name := plainName(f)
		lines = append(lines, strings.ToUpper(name[:1])+name[1:])
	}
	return lines
}

// plainName is a key as words: "api_calls" is "api calls".
func plainName(key string) string {
	return strings.NewReplacer("_", " ", "-", " ", ".", " ").Replace(key)
}
