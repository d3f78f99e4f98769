package observe_test

import (
	"errors"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"seaworthy/app"
	"seaworthy/app/apptest"
	"seaworthy/app/config"
	"seaworthy/app/web"
	"seaworthy/store"
)

// failing adds routes that fail in different ways.
func failing(_ *config.Config, o *app.Options) {
	o.Extend = func(a *app.App) app.Extension {
		return app.Extension{Routes: []web.Route{
			{Method: "GET", Pattern: "/-/test/panic", Access: web.Public, Handler: func(http.ResponseWriter, *http.Request) error {
				return assign(nil)
			}},
			{Method: "GET", Pattern: "/-/test/fail", Access: web.Public, Handler: func(_ http.ResponseWriter, r *http.Request) error {
				a.Logger().InfoContext(r.Context(), r.URL.Query().Get("say"), "tries", 3, "share", 0.25, "limit", math.Inf(1), "api_key", "canary-key-0001")
				return os.ErrDeadlineExceeded
			}},
			{Method: "GET", Pattern: "/-/test/method", Access: web.Public, Handler: new(gadget).breaks},
			{Method: "GET", Pattern: "/-/test/query", Access: web.Public, Handler: func(_ http.ResponseWriter, r *http.Request) error {
				return a.DB.Read(r.Context(), lookUp)
			}},
			{Method: "GET", Pattern: "/-/test/store", Access: web.Public, Handler: func(_ http.ResponseWriter, r *http.Request) error {
				return a.DB.Write(r.Context(), putIn)
			}},
		}}
	}
}

// gadget has a method that is a handler.
type gadget struct{ broken error }

func (g *gadget) breaks(http.ResponseWriter, *http.Request) error {
	g.broken = errors.New("the gadget is broken")
	return g.broken
}

// files are all bytes that the app has written below its data folder.
func files(t *testing.T, a *apptest.App) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(a.Config.Data, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		all.Write(text)
		return err
	})
	a.Must(err)
	return all.String()
}

// assign panics for nil, a call below the handler.
func assign(m map[string]int) error {
	m["x"] = 1
	return nil
}

// lookUp asks for a table that is not there.
func lookUp(tx *store.Tx) error {
	var n int
	return tx.QueryRow(`SELECT n FROM nothing_like_this`).Scan(&n)
}

// putIn breaks a rule of the schema, on the writer's goroutine.
func putIn(tx *store.Tx) error {
	_, err := tx.Exec(`INSERT INTO observe_project_key (public_key, project, created_at) VALUES ('k', 77, 0)`)
	return err
}
