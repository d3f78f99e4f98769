package observe

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func TestOutgoingCallsAreCounted(t *testing.T) {
	t.Parallel()
	there := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/fails" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	s, _ := withHand(t, t.TempDir())
	client := http.Client{Transport: s.Outgoing(there.Client().Transport)}
	for _, path := range []string{"/works", "/fails"} {
		res, err := client.Get(there.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
	}
	there.Close()
	if _, err := client.Get(there.URL); err == nil {
		t.Fatal("a closed server answers")
	}
	page, err := s.Performance(t.Context(), Calls, time.Hour)
	if err != nil || len(page.Series) != 1 || page.Series[0].Name != "127.0.0.1" || page.Series[0].Count != 3 || page.Series[0].Errors != 2 {
		t.Errorf("counted %+v (%v)", page.Series, err)
	}
}
