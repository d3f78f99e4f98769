package audit

import (
	"net/http"
	"strconv"
	"strings"

	"seaworthy/app/audit/merkle"
	"seaworthy/app/web"
	"seaworthy/store"
)

// errDropped says that retention has dropped what was asked for.
var errDropped = &web.Error{Status: http.StatusGone, Code: "dropped", Public: "Retention has dropped the details of an event in this bundle. Its place in the tree stays."}

// logPath is where the tiled log is served (c2sp.org/tlog-tiles): its first
// origin right below, the later ones below their number.
const logPath = "/-/audit/log/"

func (s *System) logRoutes() []web.Route {
	return []web.Route{
		{Method: "GET", Pattern: logPath + "{path...}", Access: web.Public, Handler: s.serveLog, Limit: web.PerMinute(1200)},
		{Method: "GET", Pattern: logPath + "tile/entries/{path...}", Access: web.Permission("audit:read"), Handler: s.serveLog},
		{Method: "GET", Pattern: logPath + "{gen}/tile/entries/{path...}", Access: web.Permission("audit:read"), Handler: s.serveLog},
	}
}

// serveLog answers for one resource of the tiled log. Hashes are for everybody,
// who can learn from them only how much was recorded; entries are not, they are
// every org's.
func (s *System) serveLog(w http.ResponseWriter, r *http.Request) error {
	gen, path := int64(1), strings.TrimPrefix(r.URL.Path, logPath)
	if first, rest, ok := strings.Cut(path, "/"); ok {
		if n, err := strconv.ParseInt(first, 10, 64); err == nil && n > 1 && strconv.FormatInt(n, 10) == first {
			gen, path = n, rest
		}
	}
	type resource struct {
		origin
		*signedHead
	}
	log, err := store.Read(r.Context(), s.DB, func(tx *store.Tx) (res resource, err error) {
		if res.origin, err = originByGen(tx, gen); err != nil {
			return res, err
		}
		res.signedHead, err = newestCheckpoint(tx, gen)
		return res, err
	})
	if err != nil {
		return err // nothing is signed yet, or there is no such origin: 404
	}
	switch path {
	case "checkpoint":
		return plain(w, "text/plain; charset=utf-8", "no-cache", log.note)
	case "keys":
		keys, err := store.Read(r.Context(), s.DB, func(tx *store.Tx) ([]string, error) { return verifierKeys(tx, log.origin) })
		if err != nil {
			return err
		}
		return plain(w, "text/plain; charset=utf-8", "no-cache", []byte(strings.Join(keys, "\n")+"\n"))
	}
	at, ok := merkle.ParsePath(path)
	if !ok || at.Width > merkle.Whole(log.Size, at.Level, at.N) {
		return web.ErrNotFound
	}
	data, err := store.Read(r.Context(), s.DB, func(tx *store.Tx) ([]byte, error) {
		if at.Entries {
			return readEntries(tx, log.origin, at)
		}
		return readTile(tx, log.origin, log.Size, at)
	})
	if err != nil {
		return err
	}
	cache := "public, max-age=31536000, immutable"
	if at.Entries {
		cache = "private, no-store"
	}
	return plain(w, "application/octet-stream", cache, data)
}

func plain(w http.ResponseWriter, kind, cache string, data []byte) error {
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Cache-Control", cache)
	_, err := w.Write(data)
	return err
}

// verifierKeys are the keys that have signed for an origin.
func verifierKeys(tx *store.Tx, o origin) ([]string, error) {
	keys, err := allKeys(tx)
	if err != nil {
		return nil, err
	}
	var all []string
	for _, k := range keys {
		v, err := merkle.VerifierKey(o.name, k.public)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, nil
}

// VerifierKeys are what a person checks this log's checkpoints with, for every
// origin it has had.
func VerifierKeys(tx *store.Tx) ([]string, error) {
	origins, err := allOrigins(tx)
	if err != nil {
		return nil, err
	}
	var all []string
	for _, o := range origins {
		keys, err := verifierKeys(tx, o)
		if err != nil {
			return nil, err
		}
		all = append(all, keys...)
	}
	return all, nil
}

var errUnsigned = &web.Error{Status: http.StatusConflict, Code: "not_signed_yet",
	Public: "No signed checkpoint covers this event yet. One is made within seconds, once the replica has it."}
