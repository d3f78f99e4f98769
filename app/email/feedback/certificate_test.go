package feedback

import (
	"crypto/rsa"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"
)

type fetcher func(*http.Request) (*http.Response, error)

func (f fetcher) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Who names certificates that are not there neither holds up messages whose key is known
// nor drives such a key out.
func TestKnownKeysStay(t *testing.T) {
	t.Parallel()
	asked, answer := make(chan bool, 1), make(chan bool)
	c := NewCertificates(fetcher(func(r *http.Request) (*http.Response, error) {
		if r.URL.Path == "/slow" {
			asked <- true
			<-answer
		}
		return nil, errors.New("nothing is there")
	}), nil, time.Now)
	ours := &rsa.PublicKey{}
	c.keys["ours"] = knownKey{key: ours, until: time.Now().Add(time.Hour)}
	var slow sync.WaitGroup
	slow.Go(func() {
		if _, err := c.key(t.Context(), "https://sns.example/slow"); err == nil {
			t.Error("there is a key where nothing is")
		}
	})
	<-asked
	if key, err := c.key(t.Context(), "ours"); key != ours || err != nil { // hangs if it waits for the other
		t.Errorf("%v, %v", key, err)
	}
	close(answer)
	slow.Wait()
	for i := range 3 * maxKeys {
		if _, err := c.key(t.Context(), fmt.Sprint("https://sns.example/", i)); err == nil {
			t.Error("there is a key where nothing is")
		}
	}
	if key, err := c.key(t.Context(), "ours"); key != ours || err != nil || len(c.keys) > maxKeys {
		t.Errorf("after many failures: %v, %v, %d kept", key, err, len(c.keys))
	}
}
