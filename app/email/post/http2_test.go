package post

import (
	"crypto/x509"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
)

// The providers speak HTTP/2, whose transport tries some requests again by itself: never one that may have been accepted.
func TestHTTP2SendsOnce(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		class  Class // "" is accepted
	}{
		"accepted":        {func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `{"MessageID":"a","ErrorCode":0}`) }, ""},
		"reset":           {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, Unknown},
		"reset in a body": {func(w http.ResponseWriter, _ *http.Request) { w.(http.Flusher).Flush(); panic(http.ErrAbortHandler) }, Unknown},
		"refused":         {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(422) }, Refused},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var heard atomic.Int32
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.ProtoMajor != 2 {
					t.Error("this is no HTTP/2")
				}
				io.Copy(io.Discard, r.Body)
				heard.Add(1)
				c.answer(w, r)
			}))
			server.EnableHTTP2, server.Config.ErrorLog = true, log.New(io.Discard, "", 0)
			server.StartTLS()
			defer server.Close()
			p, err := NewPostmark(testToken, nil, Options{URL: server.URL})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := p.Send(t.Context(), plain()); failure(t, err).Class != Temporary || heard.Load() != 0 {
				t.Errorf("a certificate of nobody: %v", err)
			}
			roots := x509.NewCertPool()
			roots.AddCert(server.Certificate())
			transport := p.api.client.Transport.(*http.Transport).Clone()
			transport.TLSClientConfig.RootCAs = roots
			p.api.client.Transport = transport
			_, err = p.Send(t.Context(), plain())
			switch {
			case c.class == "" && err != nil:
				t.Error(err)
			case c.class != "" && failure(t, err).Class != c.class:
				t.Error(err)
			case heard.Load() != 1:
				t.Errorf("sent %d times", heard.Load())
			}
		})
	}
}
