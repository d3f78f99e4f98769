package rule

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// The goals G1 and G4 of spec/flags.md A5.
func BenchmarkEvaluate(b *testing.B) {
	list := make([]string, 10)
	for i := range list {
		list[i] = fmt.Sprintf(`"usr_%d"`, i)
	}
	d, err := Parse([]byte(`{"flags":{
		"static":` + boolean("") + `,
		"rollout":` + boolean(`,"targeting":{"fractional":[["on",25],["off",75]]}`) + `,
		"typical":` + boolean(`,"targeting":{"if":[{"in":[{"var":"targetingKey"},[`+strings.Join(list, ",")+`]]},"on",
			{"and":[{"==":[{"var":"plan"},"pro"]},{"in":["admin",{"var":"roles"}]},{"sem_ver":[{"var":"app.version"},">=","2.1.0"]}]},
			{"fractional":[{"cat":[{"var":"$flagd.flagKey"},{"var":"org"}]},["on",25],["off",75]]}]}`) + `}}`))
	if err != nil {
		b.Fatal(err)
	}
	s, faults := d.Compile(Options{})
	if len(faults) > 0 {
		b.Fatal(faults)
	}
	c := Context{"targetingKey": "usr_77", "plan": "pro", "roles": []any{"member", "admin"}, "org": "org_1", "app": map[string]any{"version": "2.3.4"}}
	for _, key := range []string{"static", "rollout", "typical"} {
		b.Run(key, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if r := s.Evaluate(key, c); r.ErrorCode != "" {
					b.Fatal(r)
				}
			}
		})
	}
}

func BenchmarkTenThousandFlags(b *testing.B) {
	var doc strings.Builder
	doc.WriteString(`{"flags":{`)
	for i := range 10_000 {
		if i > 0 {
			doc.WriteByte(',')
		}
		fmt.Fprintf(&doc, `"flag-%d":%s`, i, boolean(`,"targeting":{"if":[{"and":[{"==":[{"var":"plan"},"pro"]},{"in":["admin",{"var":"roles"}]}]},{"fractional":[["on",25],["off",75]]}]}`))
	}
	raw := []byte(doc.String() + `}}`)
	var s *Set
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	b.Run("compile", func(b *testing.B) {
		for b.Loop() {
			d, err := Parse(raw)
			if err != nil {
				b.Fatal(err)
			}
			s, _ = d.Compile(Options{})
		}
	})
	runtime.GC()
	runtime.ReadMemStats(&after)
	f, err := CompileFlag("flag-7", []byte(boolean("")), nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("change one", func(b *testing.B) {
		for b.Loop() {
			s = s.With(f)
		}
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/1e6, "MB")
	})
	runtime.KeepAlive(s)
}
