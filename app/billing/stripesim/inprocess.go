package stripesim

import (
	"bytes"
	"context"
	"net/http"
)

// Into delivers webhooks to a handler of the same process.
func Into(h func() http.Handler) Deliver {
	return func(ctx context.Context, url string, header http.Header, body []byte) (int, error) {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
		if err != nil {
			return 0, err
		}
		r.Header, r.RemoteAddr = header.Clone(), "127.0.0.1:0"
		w := &answer{header: http.Header{}, status: http.StatusOK}
		h().ServeHTTP(w, r)
		return w.status, nil
	}
}
