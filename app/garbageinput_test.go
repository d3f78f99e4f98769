package app_test

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"seaworthy/app/web"
)

// hostileParts are what may stand in an address where an id is expected; "" is what there is.
var hostileParts = []string{"", "x", "-1", "99999999999999999999", "%00", "%FF%FE", "..%2F..%2Fetc%2Fpasswd", "%E2%80%AE%F0%9F%98%80", "a%0Ab", "%25zz", "'%22;--", strings.Repeat("a", 3000)}

// hostileTexts are what may stand in a field.
var hostileTexts = []string{"", "\x00\xff\xfe", strings.Repeat("x", 9000), "-1", "99999999999999999999", "NaN", "2026-13-45T99:99:99Z", "{", "\u202e\U0001F600 <script>alert(1)</script>", "../../etc/passwd", "javascript:alert(1)", "9223372036854775807"}

// askedFor are the names in queries that any page or operation knows; a few that most know are tried alone.
var (
	askedFor = strings.Fields(`accent action actor address after assignee before category class client_id code context cursor customer done dry_run edit endpoint environment error event from grain images key kind known
		lane level lifted limit max message method name next nonce notice only order org owner permission plan preview product project q queue range reason recipient redirect_uri release request response_type say scope section sent sentry_key show since source span
		stale state status stream subject tag target template theme to token two_factors unread url user version view wait website which width`)
	askedAlone = strings.Fields(`after before cursor customer from kind level limit name org q range since span state status theme to user version which width`)
)

// hostileQueries are queries that nobody should send to a route: all names with one value, and some alone,
// whose values change from turn to turn.
func hostileQueries(r web.Route, turn int) []string {
	all := []string{"%zz=%zz&;=&&=", "limit=1&limit=2&cursor=a&cursor=b", strings.Repeat("a=b&", 2000)}
	for i, bad := range hostileTexts {
		if (i+turn)%4 > 0 {
			continue
		}
		q := url.Values{}
		for _, name := range askedFor {
			q.Set(name, bad)
		}
		if len(bad) > 1000 {
			for name := range q {
				q.Set(name, bad[:300])
			}
		}
		all = append(all, q.Encode())
	}
	if r.Method != "GET" {
		return all
	}
	for i, name := range askedAlone {
		if (i+turn)%3 > 0 {
			continue
		}
		all = append(all, url.Values{name: {hostileTexts[(i+turn/3)%len(hostileTexts)]}}.Encode())
	}
	return all
}

// hostileBody is something that is sent.
type hostileBody struct {
	kind, encoding string
	text           []byte
	cut            bool // the connection ends before it
}

func (b hostileBody) reader() io.Reader {
	if b.cut {
		return io.MultiReader(bytes.NewReader(b.text), cutOff{})
	}
	return bytes.NewReader(b.text)
}

// cutOff is a connection that ends too soon.
type cutOff struct{}

func (cutOff) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// hostileBodies are bodies that nobody should send to a route: some for all, some that have the very
// fields of its type with what does not belong there. Of what all could get each turn is a part.
func hostileBodies(r web.Route, turn int) (all []hostileBody) {
	const asJSON, asForm = "application/json", "application/x-www-form-urlencoded"
	add := func(kind string, texts ...string) {
		for _, text := range texts {
			all = append(all, hostileBody{kind: kind, text: []byte(text)})
		}
	}
	add(asJSON, "", "null", "[]", "[null]", "7", `"x"`, `{"`, "{}{}", "{\"a\":\"\xff\"}", `{"a":"\u0000"}`, strings.Repeat("[", 12_000), `{"a":1e999}`)
	add(asForm, "", "%zz", "a=%ff%fe", "a=%00", "=", "&&&;;", strings.Repeat("a", 3000)+"=")
	for _, kind := range []string{"", "text/plain", "application/json; charset=utf-16", "multipart/form-data; boundary=x", "\x00", "application/x-protobuf", "application/yaml", "application/x-sentry-envelope"} {
		add(kind, "{}\n{\"type\":\"event\"}\n{", "\xff\xfe\x00")
	}
	for _, encoding := range []string{"gzip", "deflate", "br", "zstd", "nonsense"} {
		all = append(all, hostileBody{kind: asJSON, encoding: encoding, text: []byte("\x1f\x8b\x08 no such thing")})
	}
	all = append(all, hostileBody{kind: asJSON, text: []byte(`{"a":`), cut: true}, hostileBody{kind: asForm, text: []byte("a=b"), cut: true})
	if r.Body <= 1<<20 {
		all = append(all, hostileBody{kind: asJSON, text: append([]byte(`{"a":"`), bytes.Repeat([]byte("x"), max(int(r.Body), 64<<10))...)})
	}
	all = slices.DeleteFunc(all, func(hostileBody) bool { turn++; return turn%4 > 0 })
	if r.Doc.In == nil {
		return all
	}
	t := reflect.TypeOf(r.Doc.In)
	for kind := range strangeKinds {
		add(asJSON, string(strange(t, kind, 0)))
	}
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() == reflect.Struct {
		for _, f := range reflect.VisibleFields(t) {
			if name := jsonName(f); name != "" {
				for kind := turn % 2; kind < strangeKinds; kind += 2 {
					add(asJSON, `{"`+name+`":`+string(strange(f.Type, kind, 1))+`}`)
				}
			}
		}
	}
	return all
}

// strangeKinds is how many kinds of strange values there are: of another type, empty, beyond all bounds,
// below all bounds, unreadable, null.
const strangeKinds = 6

var timeType = reflect.TypeFor[time.Time]()

// strange is a value for a type that does not belong there, as JSON.
func strange(t reflect.Type, kind, depth int) []byte {
	as := func(v any) []byte { raw, _ := json.Marshal(v); return raw }
	if kind == 5 {
		return []byte("null")
	}
	text := [...]any{map[string]int{"x": 1}, "", strings.Repeat("x", 9000), "-1", "\u0000\u202e"}[kind]
	number := [...]any{"x", 0, int64(math.MaxInt64), int64(math.MinInt64), 1.5}[kind]
	switch {
	case t == timeType:
		return as([...]any{7, "", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "2026-13-45T99:99:99Z"}[kind])
	case t.Kind() == reflect.Pointer:
		return strange(t.Elem(), kind, depth)
	case t.Kind() == reflect.String:
		return as(text)
	case t.Kind() == reflect.Bool:
		return as([...]any{"x", false, true, false, 7}[kind])
	case t.Kind() >= reflect.Int && t.Kind() <= reflect.Float64:
		return as(number)
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8: // raw JSON, mostly
		return []byte([...]string{`"x"`, `{}`, `[[[[[[[[]]]]]]]]`, `-1`, `{"":{"":null}}`}[kind])
	case depth > 3:
		return []byte("{}")
	case t.Kind() == reflect.Slice:
		if kind < 2 {
			return []byte([...]string{`{}`, `[]`}[kind])
		}
		many := bytes.Repeat(append(strange(t.Elem(), 3, depth+1), ','), [...]int{300, 1, 2}[kind-2])
		return []byte("[" + string(bytes.TrimSuffix(many, []byte(","))) + "]")
	case t.Kind() == reflect.Map:
		if kind < 2 {
			return []byte([...]string{`[]`, `{}`}[kind])
		}
		return []byte(`{"":` + string(strange(t.Elem(), kind, depth+1)) + `,"` + strings.Repeat("k", 3000) + `":` + string(strange(t.Elem(), kind, depth+1)) + `}`)
	case t.Kind() == reflect.Struct:
		var fields []string
		for _, f := range reflect.VisibleFields(t) {
			if name := jsonName(f); name != "" {
				fields = append(fields, `"`+name+`":`+string(strange(f.Type, kind, depth+1)))
			}
		}
		return []byte("{" + strings.Join(fields, ",") + "}")
	}
	return as(text)
}

// jsonName is the name of a field in JSON; "" for one that is not there.
func jsonName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	if !f.IsExported() || f.Anonymous || name == "-" {
		return ""
	}
	return name
}
