package email

import (
	"net/http"
	"net/url"
	"strconv"
	"time"

	"seaworthy/app/email/eml"
	"seaworthy/app/web"
	"seaworthy/store"
)

// inboxLimit is how many messages a list shows, maxInboxLimit how many a program may
// ask for at once.
const inboxLimit, maxInboxLimit = 100, 200

// A program may wait so long for a mail, and so many may wait at once: each holds a
// connection.
const maxWait, maxWaiting = time.Minute, 100

var errTooManyWait = &web.Error{Status: http.StatusServiceUnavailable, Code: "busy", RetryAfter: time.Second, Public: "Too many requests wait for mail at once."}

// inboxAsk is what a program asks for.
type inboxAsk struct {
	inboxFilter
	texts bool
	wait  time.Duration
}

// readInboxAsk reads the query of a list, strictly: a test that misspells a filter
// should hear of it.
func readInboxAsk(q url.Values) (ask inboxAsk, err error) {
	ask.inboxFilter = inboxFilter{To: q.Get("to"), From: q.Get("from"), Subject: q.Get("subject"), Query: q.Get("q"), Before: q.Get("before"), Limit: inboxLimit}
	var c web.Check
	for name := range q {
		switch name {
		case "to", "from", "subject", "q", "before", "since", "unread", "limit", "kind", "wait":
		default:
			c.Fault(false, web.CleanText(name, 64), "unknown", "This filter is not known here.")
		}
	}
	for _, name := range []string{"to", "from", "subject", "q", "before"} {
		c.Fault(len(q.Get(name)) <= 500, name, "too_long", "At most 500 bytes.")
	}
	if text := q.Get("limit"); text != "" {
		ask.Limit, err = strconv.Atoi(text)
		c.Fault(err == nil && ask.Limit >= 1 && ask.Limit <= maxInboxLimit, "limit", "range", "From 1 to 200.")
	}
	if text := q.Get("since"); text != "" {
		ask.Since, err = time.Parse(time.RFC3339, text)
		c.Fault(err == nil, "since", "form", "A time such as 2026-11-22T14:05:00Z.")
	}
	if text := q.Get("wait"); text != "" {
		ask.wait, err = waitTime(text)
		c.Fault(err == nil && ask.wait >= 0 && ask.wait <= maxWait, "wait", "range", "A length of time up to 60s, such as 10s.")
	}
	kind, unread := q.Get("kind"), q.Get("unread")
	c.Fault(kind == "" || kind == "mail" || kind == "text", "kind", "unknown", "mail or text.")
	c.Fault(unread == "" || unread == "true" || unread == "false", "unread", "unknown", "true or false.")
	ask.texts, ask.Unread = kind == "text", unread == "true"
	return ask, c.Err()
}

// waitTime reads "10s", or seconds as a number.
func waitTime(text string) (time.Duration, error) {
	if n, err := strconv.ParseUint(text, 10, 16); err == nil {
		return time.Duration(n) * time.Second, nil
	}
	return time.ParseDuration(text)
}

// inboxAPI answers programs. With wait it answers as soon as there is something,
// and with an empty list if nothing comes.
func (s *System) inboxAPI(w http.ResponseWriter, r *http.Request) error {
	ask, err := readInboxAsk(r.URL.Query())
	if err != nil {
		return err
	}
	if ask.wait == 0 {
		out, _, err := s.inboxAnswer(r, ask)
		if err != nil {
			return err
		}
		return web.JSON(w, http.StatusOK, out)
	}
	changed := s.DB.Listen(InboxTopic)
	defer s.DB.Unlisten(InboxTopic, changed)
	select {
	case s.waiting <- struct{}{}:
		defer func() { <-s.waiting }()
	default:
		return errTooManyWait
	}
	o := web.OriginOf(r.Context())
	o.Streams = true
	end := time.NewTimer(ask.wait)
	defer end.Stop()
	for over := false; ; {
		out, n, err := s.inboxAnswer(r, ask)
		if err != nil {
			return err
		}
		if n > 0 || over {
			return web.JSON(w, http.StatusOK, out)
		}
		select {
		case <-changed:
		case <-end.C:
			over = true
		case <-o.Stop:
			over = true
		case <-r.Context().Done():
			return nil
		}
	}
}

// inboxAnswer is what there is now, and how much.
func (s *System) inboxAnswer(r *http.Request, ask inboxAsk) (out any, n int, err error) {
	err = s.DB.Read(r.Context(), func(tx *store.Tx) error {
		if ask.texts {
			all, err := s.textsJSON(tx, ask)
			out, n = all, len(all)
			return err
		}
		rows, err := readInbox(tx, ask.inboxFilter)
		all := make([]inboxJSON, len(rows))
		for i, m := range rows {
			all[i] = m.json()
		}
		out, n = all, len(all)
		return err
	})
	return out, n, err
}

// checkJSON is one check of a mail.
type checkJSON = eml.Finding

func (s *System) inboxChecks(w http.ResponseWriter, r *http.Request) error {
	m, err := s.mail(r)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, checks(eml.Read(m.Source)))
}

func checks(l eml.Letter) []eml.Finding { return l.Check(eml.Scan(l.Text, l.HTML)) }
