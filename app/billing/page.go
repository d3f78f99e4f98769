package billing

import (
	"net/http"
	"strconv"
	"strings"

	"seaworthy/app/web"
	"seaworthy/store"
)

// Sizes of a page of a list.
const (
	usualPage = 50
	maxPage   = 200
)

// limitOf is how long a page of a list is to be.
func limitOf(r *http.Request) (int, error) {
	text := r.URL.Query().Get("limit")
	if text == "" {
		return usualPage, nil
	}
	n, err := strconv.Atoi(text)
	var c web.Check
	c.Fault(err == nil && n >= 1 && n <= maxPage, "limit", "range", "From 1 to 200.")
	return n, c.Err()
}

// cursorOf is where a page begins: after the thing of that time and id. Without a
// cursor it is the end of time.
func cursorOf(r *http.Request) (ms int64, id string, err error) {
	text := r.URL.Query().Get("cursor")
	if text == "" {
		return 1 << 60, "", nil
	}
	head, id, cut := strings.Cut(text, ".")
	ms, err = strconv.ParseInt(head, 36, 64)
	var c web.Check
	c.Fault(err == nil && cut && ms >= 0 && idForm.MatchString(id), "cursor", "form", "Give the cursor as the last page had it.")
	return ms, id, c.Err()
}

func cursorText(ms int64, id string) string { return strconv.FormatInt(ms, 36) + "." + id }

// cut takes the one more that was read to know whether there is a next page.
func cut[T any](rows []T, limit int, cursor func(T) string) (page []T, next string) {
	if len(rows) <= limit {
		return rows, ""
	}
	return rows[:limit], cursor(rows[limit-1])
}

// invoicePage are invoices of an org, the newest first.
func (s *System) invoicePage(r *http.Request, org string, limit int) (rows []invoiceRow, next string, err error) {
	before, id, err := cursorOf(r)
	if err != nil {
		return nil, "", err
	}
	rows, err = store.Read(r.Context(), s.DB, func(tx *store.Tx) ([]invoiceRow, error) {
		return store.All(tx, scanInvoice, invoiceColumns+`WHERE org_id = ? AND (created_at, id) < (?, ?) AND status <> 'draft' ORDER BY created_at DESC, id DESC LIMIT ?`, org, before, id, limit+1)
	})
	rows, next = cut(rows, limit, func(i invoiceRow) string { return cursorText(i.created, i.id) })
	return rows, next, err
}
