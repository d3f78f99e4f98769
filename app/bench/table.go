package bench

import (
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
)

// Print writes the report as a table for people.
func (r Report) Print(w io.Writer) error {
	m := r.Machine
	fmt.Fprintf(w, "\nSeaworthy %s, %s\n%s\n%d clients, %g s a load; clients and server share the machine\n\n", r.Version, r.At.Format("2 Jan 2006, 15:04 MST"), m, r.Clients, r.Seconds)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "what\ta second\tp50 ms\tp99 ms\tbar\t")
	missed := 0
	for _, row := range r.Results {
		rate := row.Value
		if row.PerSecond > 0 {
			rate = number(row.PerSecond)
		}
		verdict := ""
		switch {
		case row.Error != "":
			rate, verdict = "failed", row.Error
		case row.Missed:
			missed++
			verdict = row.Bar + "  missed"
		case row.Bar != "":
			verdict = row.Bar + "  met"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t\n", row.Name, rate, millis(row.P50), millis(row.P99), verdict)
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("print the table: %w", err)
	}
	_, err := fmt.Fprintf(w, "\n%d rows, %d missed their bar\n", len(r.Results), missed)
	return err
}

// number is a figure without more digits than it deserves: 12345, 123, 4.1.
func number(f float64) string {
	if f >= 100 {
		return strconv.FormatFloat(f, 'f', 0, 64)
	}
	return strconv.FormatFloat(f, 'g', 3, 64)
}

func millis(f float64) string {
	if f == 0 {
		return ""
	}
	return number(f)
}
