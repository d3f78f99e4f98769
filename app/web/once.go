package web

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"seaworthy/store"
)

// Replies keeps answers for those who repeat a request with its Idempotency-Key
// (draft-ietf-httpapi-idempotency-key-header).
type Replies struct {
	DB   *store.DB
	Keys interface {
		Seal(purpose, id string, secret []byte) []byte
		Open(purpose, id string, sealed []byte) ([]byte, error)
	}
	Log *slog.Logger
}

// keepReplies is how long a repeat of a request gets the first answer.
const keepReplies = 24 * time.Hour

var (
	errKeyReused = &Error{Status: http.StatusUnprocessableEntity, Code: "idempotency_key_reused",
		Public: "This Idempotency-Key came before with another request. Use a new key for a new request."}
	errUnanswered = &Error{Status: http.StatusConflict, Code: "idempotency_unanswered", RetryAfter: time.Second,
		Public: "A request with this Idempotency-Key is being worked on, or its answer was lost. What it was to do is done or will be: look at that, or try again in a moment."}
)

// IdempotencyKey is the request's Idempotency-Key, "" without one.
func IdempotencyKey(r *http.Request) (string, error) {
	all := r.Header.Values("Idempotency-Key")
	if len(all) > 1 || len(all) == 1 && (all[0] == "" || len(all[0]) > 255 || CleanText(all[0], 255) != all[0]) {
		return "", BadRequest("bad_idempotency_key", "Give one Idempotency-Key of at most 255 printable characters.")
	}
	return strings.Join(all, ""), nil
}

// reply is an answer as it is kept.
type reply struct {
	status int
	Header http.Header `json:"header"`
	Body   []byte      `json:"body"`
}

// once makes a route of the API answer a repeated request with the first answer.
// The key is taken in the transaction of the change (Origin.Once), so that there
// is never one without the other; the answer is added once it is known. A request
// that changed nothing, because it was refused, can be sent again as it is.
func (s *Server) once(route Route, next Handler) Handler {
	if s.Replies == nil || route.Method != http.MethodPost || !strings.HasPrefix(route.Pattern, "/-/api/") || route.OwnKeys {
		return next
	}
	return func(w http.ResponseWriter, r *http.Request) error {
		key, err := IdempotencyKey(r)
		if err != nil || key == "" {
			return firstOf(err, next, w, r)
		}
		raw, err := readBody(r.Body)
		if err != nil {
			return err
		}
		r.Body = io.NopCloser(bytes.NewReader(raw))
		origin := OriginOf(r.Context())
		c := &Claim{id: digest(origin.Identity.Actor(), route.Method, r.URL.Path, key), fingerprint: digest(r.URL.RawQuery, r.Header.Get("Content-Type"), string(raw)), request: origin.RequestID}
		earlier, err := s.Replies.find(r.Context(), c)
		if err == nil {
			earlier.write(w, true)
			return nil
		}
		if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		origin.Once = c
		held := &holder{header: w.Header()}
		if err := next(held, r); err != nil {
			return err
		}
		made := held.reply()
		if c.taken {
			s.Replies.keep(context.WithoutCancel(r.Context()), c, made)
		}
		made.write(w, false)
		return nil
	}
}

// firstOf is err, or what the handler says if there is none.
func firstOf(err error, next Handler, w http.ResponseWriter, r *http.Request) error {
	if err != nil {
		return err
	}
	return next(w, r)
}

func digest(parts ...string) []byte {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return h.Sum(nil)
}

// find is the answer to the first request with a claim's key: ErrNotFound if there
// was none, an error for the client if it was another request or has no answer.
func (s *Replies) find(ctx context.Context, c *Claim) (reply, error) {
	var out reply
	row, err := store.Peek(ctx, s.DB, func(tx *store.Tx) (replyRow, error) { return replyByID(tx, c.id) })
	switch {
	case err != nil:
		return out, err
	case !bytes.Equal(row.fingerprint, c.fingerprint):
		return out, errKeyReused
	case row.status == 0:
		return out, errUnanswered
	}
	text, err := s.Keys.Open("reply", hex.EncodeToString(c.id), row.reply)
	if err != nil {
		return out, fmt.Errorf("open the answer to a repeated request: %w", err)
	}
	out.status = row.status
	return out, json.Unmarshal(text, &out)
}

// keep adds the answer to a key. When that fails the answer is given all the same;
// a repeat hears that it was lost.
func (s *Replies) keep(ctx context.Context, c *Claim, out reply) {
	text, err := json.Marshal(out)
	if err == nil {
		sealed := s.Keys.Seal("reply", hex.EncodeToString(c.id), text)
		err = s.DB.Write(ctx, func(tx *store.Tx) error { return answerReply(tx, c.id, out.status, sealed) })
	}
	if err != nil {
		s.Log.WarnContext(ctx, "an answer is not kept for a repeat of its request", "request_id", c.request, "err", err)
	}
}

// Run drops old answers every hour until ctx ends.
func (s *Replies) Run(ctx context.Context) {
	every := time.NewTicker(time.Hour)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		}
		if err := s.Purge(ctx); err != nil && ctx.Err() == nil {
			s.Log.WarnContext(ctx, "answers that are too old to be repeated stay", "err", err)
		}
	}
}

// Purge drops answers that are a day old, in slices.
func (s *Replies) Purge(ctx context.Context) error {
	const slice = 500
	for {
		n, err := store.Write(ctx, s.DB, func(tx *store.Tx) (int64, error) {
			return dropReplies(tx, tx.Now().Add(-keepReplies).UnixMilli(), slice)
		})
		if err != nil || n < slice {
			return err
		}
	}
}
