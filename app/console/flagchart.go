package console

import (
	"time"

	"seaworthy/app/flags"
)

// statSpan is how far back the charts of evaluations go.
const statSpan = 48 * time.Hour

// flagChart is a chart of evaluations: the three variants served most, hour by hour.
type flagChart struct {
	Title string
	Names []string
	Rows  []statRow // none: nothing was counted
}

// statRow is a step of a chart.
type statRow struct {
	At time.Time
	N  []int64
}

// chartOf makes the chart of what was asked for by its key, or handed out in bulk.
func chartOf(all []flags.Stat, bulk bool, now time.Time) flagChart {
	c := flagChart{Title: "Asked for by its key, an hour"}
	if bulk {
		c.Title = "Handed out with all flags, an hour"
	}
	total := map[string]int64{}
	for _, st := range all {
		if st.Bulk == bulk {
			total[st.Variant] += st.N
		}
	}
	if len(total) == 0 {
		return c
	}
	for len(c.Names) < 3 && len(total) > 0 {
		best := ""
		for name := range total {
			if best == "" && total[best] == 0 || total[name] > total[best] || total[name] == total[best] && name < best {
				best = name
			}
		}
		c.Names = append(c.Names, best)
		delete(total, best)
	}
	begin := now.Add(-statSpan).Truncate(time.Hour)
	for t := begin; !t.After(now); t = t.Add(time.Hour) {
		c.Rows = append(c.Rows, statRow{At: t, N: make([]int64, len(c.Names))})
	}
	for _, st := range all {
		for k, name := range c.Names {
			if i := int(st.At.Sub(begin) / time.Hour); st.Bulk == bulk && name == st.Variant && i >= 0 && i < len(c.Rows) {
				c.Rows[i].N[k] += st.N
			}
		}
	}
	return c
}
