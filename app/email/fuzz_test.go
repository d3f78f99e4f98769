package email

import (
	"bytes"
	"encoding/json"
	"image"
	"image/gif"
	"image/png"
	"reflect"
	"strings"
	"testing"
)

func FuzzLogo(f *testing.F) {
	var p, g bytes.Buffer
	m := image.NewGray(image.Rect(0, 0, 3, 2))
	if png.Encode(&p, m) != nil || gif.Encode(&g, m, nil) != nil {
		f.Fatal("no image")
	}
	f.Add(p.Bytes())
	f.Add(g.Bytes())
	f.Add([]byte("\xff\xd8\xff\xe0"))
	f.Add([]byte("<svg>"))
	f.Fuzz(func(t *testing.T, body []byte) {
		l, err := readLogo(body)
		if err != nil {
			return
		}
		if _, known := logoKinds[l.kind]; !known || l.width < 1 || l.width > maxSide || l.height < 1 || l.height > maxSide || len(l.body) > maxLogo {
			t.Errorf("%s %dx%d, %d bytes", l.kind, l.width, l.height, len(l.body))
		}
	})
}

func FuzzVariables(f *testing.F) {
	f.Add("Name: text\nNote: text, optional\r\nPlan: text = Free\nLines: list")
	f.Add(": = ,")
	f.Fuzz(func(t *testing.T, text string) {
		all, err := parseVariables(text)
		if err != nil {
			return
		}
		for _, v := range all { // what could not be saved need not come back
			if !variableName.MatchString(v.Name) || strings.ContainsAny(v.Type, ",=:") || v.Required && v.Default != "" || v.Type == "" || strings.ContainsAny(v.Default+v.Type, "\r\n") {
				return
			}
		}
		again, err := parseVariables(formatVariables(all))
		if err != nil || !reflect.DeepEqual(all, again) {
			t.Errorf("%q comes back as %v, not %v: %v", text, again, all, err)
		}
	})
}

func FuzzSample(f *testing.F) {
	f.Add([]byte(`{"Name": "Ada", "Lines": [{"What": "x"}], "None": []}`))
	f.Add([]byte(`{"Name": null}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		vars, err := parseSample(raw)
		if err != nil {
			return
		}
		text, err := json.Marshal(vars)
		if err != nil {
			t.Fatal(err)
		}
		again, err := parseSample(text)
		if err != nil && len(text) <= maxSample {
			t.Errorf("%s is not read again: %v", text, err)
		}
		if len(again) != len(vars) && len(text) <= maxSample {
			t.Errorf("%s comes back with %d", text, len(again))
		}
	})
}

func TestDiff(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	for _, l := range diff("a\nb\nc\nd\n", "a\nc\nx\nd\ne\n") {
		out.WriteString(l.Kind[:1] + l.Text + " ")
	}
	if got := out.String(); got != "ka gb kc nx kd ne " {
		t.Errorf("%s", got)
	}
	if all := diff("", "a\nb"); len(all) != 2 || all[0].Kind != "new" {
		t.Errorf("%v", all)
	}
	long := strings.Repeat("x\n", 2*maxDiff)
	if all := diff(long, "y"); len(all) != 2*maxDiff+1 {
		t.Errorf("%d lines", len(all))
	}
}
