package rule

import (
	"encoding/json"
	"reflect"
	"testing"
)

// What is written when a flag is compiled says the same as the result written out.
func TestAnswersAreWrittenOnce(t *testing.T) {
	t.Parallel()
	s := compiled(t, `{"flags":{
		"static":`+boolean("")+`,
		"none":{"state":"ENABLED","variants":{"on":true,"off":false}},
		"rules":`+boolean(`,"metadata":{"z":1,"a":"<\u2028>"},"targeting":{"if":[{"var":"yes"},"on"]}`)+`,
		"off":{"state":"DISABLED","variants":{"on":true,"off":false},"metadata":{"team":"x"}},
		"dead":`+boolean(`,"x-seaworthy":{"killed":true,"offVariant":"off"}`)+`,
		"dead.told":`+boolean(`,"metadata":{"n":2},"x-seaworthy":{"killed":true,"offVariant":"off"}`)+`,
		"dead.own":`+boolean(`,"metadata":{"killed":"yes","b":1},"x-seaworthy":{"killed":true,"offVariant":"off"}`)+`,
		"needs":`+boolean(`,"x-seaworthy":{"prerequisites":[{"flag":"static","variants":["nobody"]}],"offVariant":"off"}`)+`,
		"wrong":`+boolean(`,"targeting":"nobody"`)+`,
		"text":{"state":"ENABLED","variants":{"a\"b":"q\"","empty":""},"defaultVariant":"empty"},
		"object":{"state":"ENABLED","variants":{"a":{"z":[1,2.5,1e21],"b":null}},"defaultVariant":"a"}}}`)
	broken, _ := CompileFlag("broken", []byte(`{`), nil)
	s = s.With(broken)
	seen := 0
	for _, c := range []Context{nil, {"yes": true}} {
		for r := range s.EvaluateAll(c, nil) {
			fast, err := r.AppendJSON(nil)
			if err != nil {
				t.Fatal(err)
			}
			slow, err := r.appendWhole(nil)
			if err != nil {
				t.Fatal(err)
			}
			var a, b any
			if json.Unmarshal(fast, &a) != nil || json.Unmarshal(slow, &b) != nil || !reflect.DeepEqual(a, b) {
				t.Errorf("%s\nwritten out %s", fast, slow)
			}
			seen++
		}
	}
	if seen != 2*len(s.Keys()) {
		t.Errorf("%d answers of %d flags", seen, len(s.Keys()))
	}
	r := s.Evaluate("static", nil)
	if _, r = Typed(r, "text"); r.of != nil {
		t.Error("of another type, and it would be written as if it were right")
	}
}
