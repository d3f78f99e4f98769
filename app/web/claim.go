package web

import (
	"bytes"
	"net/http"

	"seaworthy/store"
)

// Claim is the Idempotency-Key of a request that is worked on.
type Claim struct {
	id, fingerprint []byte
	request         string
	taken           bool // a change was committed with it
}

// Take takes the key in the transaction of the request's change. Whoever records
// the change calls it. It fails when a request with the same key, which ran at the
// same time, was first.
func (c *Claim) Take(tx *store.Tx) error {
	if c == nil || c.taken {
		return nil
	}
	fresh, err := takeReply(tx, c)
	if err != nil {
		return err
	}
	if !fresh {
		row, err := replyByID(tx, c.id)
		switch {
		case err != nil:
			return err
		case row.request == c.request: // an earlier event of this transaction took it
			return nil
		case !bytes.Equal(row.fingerprint, c.fingerprint):
			return errKeyReused
		}
		return errUnanswered
	}
	tx.AfterCommit(func() { c.taken = true })
	return nil
}

type replyRow struct {
	fingerprint []byte
	request     string
	status      int // 0: none yet
	reply       []byte
}

func replyByID(tx *store.Tx, id []byte) (r replyRow, err error) {
	err = tx.QueryRow(`SELECT fingerprint, request_id, coalesce(status, 0), reply FROM web_reply WHERE id = ?`, id).
		Scan(&r.fingerprint, &r.request, &r.status, &r.reply)
	return r, err
}

func takeReply(tx *store.Tx, c *Claim) (fresh bool, err error) {
	n, err := tx.Exec(`INSERT INTO web_reply (id, fingerprint, request_id, created_at) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
		c.id, c.fingerprint, c.request, tx.Now().UnixMilli())
	return n == 1, err
}

func answerReply(tx *store.Tx, id []byte, status int, sealed []byte) error {
	return tx.ExecOne(`UPDATE web_reply SET status = ?, reply = ? WHERE id = ?`, status, sealed, id)
}

func dropReplies(tx *store.Tx, before int64, limit int) (int64, error) {
	return tx.Exec(`DELETE FROM web_reply WHERE id IN (SELECT id FROM web_reply WHERE created_at < ? LIMIT ?)`, before, limit)
}

// holder holds an answer back until it is kept. Headers go where they belong at once.
type holder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (h *holder) Header() http.Header { return h.header }

func (h *holder) WriteHeader(status int) {
	if h.status == 0 {
		h.status = status
	}
}

func (h *holder) Write(b []byte) (int, error) {
	h.WriteHeader(http.StatusOK)
	return h.body.Write(b)
}

// kept are the headers that are part of an answer. Cookies are not: they are for
// the browser that asked first.
var kept = []string{"Content-Type", "Location", "Cache-Control", "ETag"}

func (h *holder) reply() reply {
	out := reply{status: h.status, Header: http.Header{}, Body: h.body.Bytes()}
	if out.status == 0 {
		out.status = http.StatusOK
	}
	for _, name := range kept {
		if v := h.header.Get(name); v != "" {
			out.Header.Set(name, v)
		}
	}
	return out
}

// write gives the answer; a repeat says that it is one.
func (r reply) write(w http.ResponseWriter, again bool) {
	for name := range r.Header {
		w.Header().Set(name, r.Header.Get(name))
	}
	if again {
		w.Header().Set("Idempotency-Replayed", "true")
	}
	w.WriteHeader(r.status)
	w.Write(r.Body)
}
