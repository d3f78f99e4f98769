package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"

	"seaworthy/app/web"
)

// description is the OpenAPI document as it was written last: making it takes as long as a
// hundred other requests, and anybody may ask for it.
type description struct {
	mu    sync.Mutex
	brand string // whose name is the title
	text  []byte
}

// serve answers with the document, made anew when the brand has another name.
func (d *description) serve(site func() web.Site, describe func() map[string]any) web.Handler {
	return func(w http.ResponseWriter, _ *http.Request) error {
		text, err := d.of(site().Brand, describe)
		if err != nil {
			return fmt.Errorf("describe the API: %w", err)
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		_, err = w.Write(text)
		return err
	}
}

func (d *description) of(brand string, describe func() map[string]any) ([]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.text != nil && d.brand == brand {
		return d.text, nil
	}
	var made bytes.Buffer
	e := json.NewEncoder(&made)
	e.SetEscapeHTML(false)
	if err := e.Encode(describe()); err != nil {
		return nil, err
	}
	d.brand, d.text = brand, made.Bytes()
	return d.text, nil
}
