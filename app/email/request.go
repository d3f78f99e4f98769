package email

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"seaworthy/app/email/compose"
	"seaworthy/app/email/post"
	"seaworthy/store"
)

// requestRow is what the messages of a request have in common.
type requestRow struct {
	id, sender, replyTo, by string
	tags                    []string
	metadata, headers       map[string]string
	content                 []byte // sealed; nil for a template
	files                   int
	wipe                    int64 // unix ms; 0: it is wiped
}

// fileRow is a file of a request.
type fileRow struct {
	name, kind, contentID string
	data                  []byte // sealed
}

// wrapping is what a message's request adds to it; the zero value is that of a mail of
// our own.
type wrapping struct {
	requestRow
	files []post.Attachment
}

// keepSent is for how long what is in a message is kept after it is sent, so that it
// can be sent again. Whoever has a secret mailed wants it gone at once.
const keepSent = 7 * 24 * time.Hour

// wipeAt is when what is in messages is to be deleted.
func wipeAt(class string, sent time.Time) int64 {
	if class == "security" {
		return sent.UnixMilli()
	}
	return sent.Add(keepSent).UnixMilli()
}

func fileKey(request string, position int) string { return request + "/" + strconv.Itoa(position) }

func (s *System) sealed(id string, v any) ([]byte, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return s.Keys.Seal("mail", id, raw), nil
}

// opened reads and opens what a message says, and what goes along.
func (s *System) opened(ctx context.Context, m messageRow) (made compose.Mail, a wrapping, err error) {
	var rows []fileRow
	if m.request != "" {
		err = s.DB.Read(ctx, func(tx *store.Tx) (err error) {
			if a.requestRow, err = requestByID(tx, m.request); err != nil {
				return err
			}
			rows, err = filesOf(tx, m.request)
			return err
		})
		if err != nil {
			return made, a, fmt.Errorf("request of %s: %w", m.id, err)
		}
	}
	if len(rows) < a.requestRow.files {
		return made, a, errWiped
	}
	for i, f := range rows {
		data, err := s.Keys.Open("mail", fileKey(m.request, i), f.data)
		if err != nil {
			return made, a, err
		}
		a.files = append(a.files, post.Attachment{Name: f.name, Type: f.kind, ContentID: f.contentID, Data: data})
	}
	made, err = s.said(ctx, m, a)
	return made, a, err
}

// said is what a message says.
func (s *System) said(ctx context.Context, m messageRow, a wrapping) (made compose.Mail, err error) {
	sealed, key := m.vars, m.id
	if m.template == "" {
		sealed, key = a.content, a.id
	}
	if sealed == nil {
		return made, errWiped
	}
	raw, err := s.Keys.Open("mail", key, sealed)
	if err != nil {
		return made, err
	}
	if m.template == "" {
		var c content
		if err := json.Unmarshal(raw, &c); err != nil {
			return made, err
		}
		return s.written(m, c), nil
	}
	var vars compose.Vars
	if err := json.Unmarshal(raw, &vars); err != nil {
		return made, err
	}
	return s.render(ctx, m.template, vars, s.unsubscribeURL(m))
}
