package rule

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden file anew; buckets.golden must never need it")

// TestFault17BucketsNeverChange holds ten thousand pairs of a flag and a person to the
// variant they have always had: an upgrade moves nobody.
func TestFault17BucketsNeverChange(t *testing.T) {
	t.Parallel()
	const flags, people = 20, 500
	var doc strings.Builder
	doc.WriteString(`{"flags":{`)
	for i := range flags {
		if i > 0 {
			doc.WriteByte(',')
		}
		fmt.Fprintf(&doc, `"flag-%d":{"state":"ENABLED","variants":{"a":"1","b":"2","c":"3","d":"4"},"defaultVariant":"a","targeting":{"fractional":[["a",%d],["b",%d],["c",%d],["d",1]]}}`, i, i+1, 2*i+1, 50-i)
	}
	s := compiled(t, doc.String()+`}}`)
	var got strings.Builder
	for i := range flags {
		fmt.Fprintf(&got, "flag-%d ", i)
		for p := range people {
			got.WriteString(s.Evaluate(fmt.Sprintf("flag-%d", i), Context{"targetingKey": fmt.Sprintf("usr_%d", p*7919)}).Variant)
		}
		got.WriteByte('\n')
	}
	const file = "testdata/buckets.golden"
	if *update {
		if err := os.WriteFile(file, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() == string(want) {
		return
	}
	for i, line := range strings.Split(string(want), "\n") {
		if now := strings.Split(got.String(), "\n")[i]; now != line {
			t.Errorf("people were moved:\n%s\nwas\n%s", now, line)
		}
	}
}

// A rollout that grows takes nobody out, and two flags deal independently.
func TestRolloutsGrow(t *testing.T) {
	t.Parallel()
	split := func(on int) string { return fmt.Sprintf(`{"fractional":[["on",%d],["off",%d]]}`, on, 100-on) }
	s := compiled(t, `{"flags":{"ten":`+boolean(`,"targeting":`+split(10))+`,"other":`+boolean(`,"targeting":`+split(10))+`}}`)
	f, err := CompileFlag("ten", []byte(boolean(`,"targeting":`+split(20))), nil)
	if err != nil {
		t.Fatal(err)
	}
	wider := s.With(f)
	const people = 50_000
	was, is, both := 0, 0, 0
	for i := range people {
		c := Context{"targetingKey": fmt.Sprintf("user-%d", i)}
		before, after := s.Evaluate("ten", c).Value == true, wider.Evaluate("ten", c).Value == true
		if before && !after {
			t.Fatalf("%v lost the feature when its share grew", c)
		}
		if before {
			was++
			if s.Evaluate("other", c).Value == true {
				both++
			}
		}
		if after {
			is++
		}
	}
	for name, c := range map[string]struct{ got, percent int }{"a tenth": {was, 1000}, "a fifth": {is, 2000}, "in both": {both, 100}} {
		if share := c.got * 10_000 / people; share < c.percent*85/100 || share > c.percent*115/100 {
			t.Errorf("%s: %d of 10,000", name, share)
		}
	}
}
