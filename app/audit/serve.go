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
		{Method: "GET", Pattern: logPath + "tile/entries/{path...}", Access: web.Permission(permRead), Handler: s.serveEntries},
		{Method: "GET", Pattern: logPath + "{gen}/tile/entries/{path...}", Access: web.Permission(permRead), Handler: s.serveEntries},
	}
}

// publicLog is an origin with its newest checkpoint, and what of it a request asks for.
type publicLog struct {
	origin
	*signedHead
	path string // below the origin
}

// asked finds the log that a request is for. It is store.ErrNotFound where there is no such
// origin, or nothing is signed yet.
func (s *System) asked(r *http.Request) (log publicLog, err error) {
	gen, path := int64(1), strings.TrimPrefix(r.URL.Path, logPath)
	if first, rest, ok := strings.Cut(path, "/"); ok {
		if n, err := strconv.ParseInt(first, 10, 64); err == nil && n > 1 && strconv.FormatInt(n, 10) == first {
			gen, path = n, rest
		}
	}
	return store.Read(r.Context(), s.DB, func(tx *store.Tx) (log publicLog, err error) {
		log.path = path
		if log.origin, err = originByGen(tx, gen); err != nil {
			return log, err
		}
		log.signedHead, err = newestCheckpoint(tx, gen)
		return log, err
	})
}

// place reads the path as that of a tile or bundle under the checkpoint.
func (l publicLog) place() (at merkle.At, ok bool) {
	at, ok = merkle.ParsePath(l.path)
	return at, ok && at.Width <= merkle.Whole(l.Size, at.Level, at.N)
}

// serveLog answers for what everybody may have of the tiled log: checkpoint, keys and
// hashes, from which one can learn only how much was recorded.
func (s *System) serveLog(w http.ResponseWriter, r *http.Request) error {
	log, err := s.asked(r)
	if err != nil {
		return err
	}
	switch log.path {
	case "checkpoint":
		return plain(w, "text/plain; charset=utf-8", "no-cache", log.note)
	case "keys":
		keys, err := store.Read(r.Context(), s.DB, func(tx *store.Tx) ([]string, error) { return verifierKeys(tx, log.origin) })
		if err != nil {
			return err
		}
		return plain(w, "text/plain; charset=utf-8", "no-cache", []byte(strings.Join(keys, "\n")+"\n"))
	}
	at, ok := log.place()
	// The mux takes "tile%2Fentries" for one segment and leads it here, past the routes that
	// ask for a permission.
	if !ok || at.Entries {
		return web.ErrNotFound
	}
	data, err := store.Read(r.Context(), s.DB, func(tx *store.Tx) ([]byte, error) { return readTile(tx, log.origin, log.Size, at) })
	if err != nil {
		return err
	}
	return plain(w, "application/octet-stream", "public, max-age=31536000, immutable", data)
}

// serveEntries answers with a bundle of bodies. They are every org's.
func (s *System) serveEntries(w http.ResponseWriter, r *http.Request) error {
	log, err := s.asked(r)
	if err != nil {
		return err
	}
	at, ok := log.place()
	if !ok || !at.Entries {
		return web.ErrNotFound
	}
	data, err := store.Read(r.Context(), s.DB, func(tx *store.Tx) ([]byte, error) { return readEntries(tx, log.origin, at) })
	if err != nil {
		return err
	}
	return plain(w, "application/octet-stream", "private, no-store", data)
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
