package redact

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestArgumentsHideWhatIsSecret(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		``: ``,
		`{"a":1,"api_key":"k","nested":[{"Password":"p","userToken":"t","note":"stays"}],"secret":null}`: `{
  "a": 1,
  "api_key": "•••",
  "nested": [
    {
      "Password": "•••",
      "note": "stays",
      "userToken": "•••"
    }
  ],
  "secret": null
}`,
		`12345678901234567890`:              `12345678901234567890`,
		`plain text`:                        `plain text`,
		"\xff\x00":                          `(not text)`,
		`{"password":"hunter2","user":{"na`: `{"password":•••,"user":{"na`,
		`{"a":1}]`:                          `{"a":1}]`,
		`{"html":"<b>&"}`:                   "{\n  \"html\": \"<b>&\"\n}",
	} {
		if got := JSON([]byte(raw)); got != want {
			t.Errorf("%s is shown as %s", raw, got)
		}
	}
}

func FuzzJSON(f *testing.F) {
	f.Add([]byte(`{"password":"hunter2hunter2"}`))
	f.Add([]byte(`[{"token":{"deep":["hunter2hunter2"]}}]`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		shown := JSON(raw)
		var v map[string]any
		if json.Unmarshal(raw, &v) == nil {
			if secret, ok := v["password"].(string); ok && len(secret) > 9 && strings.Count(string(raw), secret) == 1 && strings.Contains(shown, secret) {
				t.Errorf("%q shows %q", raw, shown)
			}
		}
	})
}
