package guess

import (
	"crypto/sha1"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"seaworthy/app/dial"
)

func hashOf(password string) string { return fmt.Sprintf("%X", sha1.Sum([]byte(password))) }

func TestBreachesAreAskedByPrefixAlone(t *testing.T) {
	t.Parallel()
	stolen, padded := hashOf("a stolen password"), hashOf("a padded password")
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if r.Method != "GET" || len(r.URL.Path) != len("/range/")+5 || r.Header.Get("Add-Padding") != "true" || r.URL.RawQuery != "" {
			t.Errorf("asked %s %s", r.Method, r.URL)
		}
		prefix := strings.TrimPrefix(r.URL.Path, "/range/")
		for hash, n := range map[string]int{stolen: 37, padded: 0} {
			if strings.HasPrefix(hash, prefix) {
				fmt.Fprintf(w, "0018A45C4D1DEF81644B54AB7F969B88D65:1\r\n%s:%d\r\n", hash[5:], n)
			}
		}
	}))
	defer server.Close()
	b := BreachesAt(server.URL+"/range/", server.Client())
	for password, want := range map[string]bool{"a stolen password": true, "a padded password": false, "one of my own": false} {
		for range 3 {
			if got, err := b.Has(t.Context(), password); err != nil || got != want {
				t.Errorf("%s: %v, %v", password, got, err)
			}
		}
	}
	if n := asked.Load(); n != 3 {
		t.Errorf("asked %d times for three passwords", n)
	}
	for i := range 3 * maxAnswers {
		if _, err := b.Has(t.Context(), fmt.Sprint("password number ", i)); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(b.young) + len(b.old); n > maxAnswers {
		t.Errorf("%d answers are kept", n)
	}
}

func TestBreachesThatDoNotAnswer(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]http.HandlerFunc{
		"an error": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) },
		"too much": func(w http.ResponseWriter, _ *http.Request) { w.Write(make([]byte, maxAnswer+1)) },
		"cut short": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			w.Write([]byte("x"))
		},
	} {
		server := httptest.NewServer(answer)
		if got, err := BreachesAt(server.URL+"/range/", server.Client()).Has(t.Context(), "any"); got || err == nil {
			t.Errorf("%s: %v, %v", name, got, err)
		}
		server.Close()
	}
	var none *Breaches
	if got, err := none.Has(t.Context(), "any"); got || err != nil {
		t.Errorf("no list: %v, %v", got, err)
	}
	b := newBreaches("http://127.0.0.1:1/", http.DefaultClient)
	for range atOnce {
		b.slots <- struct{}{}
	}
	if _, err := b.Has(t.Context(), "any"); !errors.Is(err, errBusy) {
		t.Errorf("one question too many: %v", err)
	}
}

// The real client connects to nothing inside, whatever its address resolves to.
func TestBreachesAreNotInside(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it was asked") }))
	defer server.Close()
	b := NewBreaches(func(t http.RoundTripper) http.RoundTripper { return t })
	b.url = server.URL + "/range/"
	if _, err := b.Has(t.Context(), "any"); !errors.Is(err, dial.ErrInside) {
		t.Errorf("loopback: %v", err)
	}
}
