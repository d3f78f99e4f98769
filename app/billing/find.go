package billing

import (
	"context"
	"errors"
	"strings"

	"seaworthy/app/auth"
	"seaworthy/app/find"
	"seaworthy/store"
)

// FindCustomers finds customers of Stripe's by how their id, or that of a subscription or an invoice,
// begins, by how an invoice's number does, and by their org's name.
func FindCustomers(_ context.Context, tx *store.Tx, q find.Query) (hits []find.Hit, err error) {
	end := find.End(q.Text)
	switch {
	case strings.HasPrefix(q.Text, "cus_"):
		hits, err = store.All(tx, scanHit, `SELECT id, id, org_id, '' FROM billing_customer WHERE id >= ? AND id < ? ORDER BY id LIMIT ?`, q.Text, end, q.Limit)
	case strings.HasPrefix(q.Text, "sub_"):
		hits, err = store.All(tx, scanHit, `SELECT id, customer_id, org_id, state FROM billing_subscription WHERE id >= ? AND id < ? ORDER BY id LIMIT ?`, q.Text, end, q.Limit)
	case strings.HasPrefix(q.Text, "in_"):
		hits, err = store.All(tx, scanHit, `SELECT id, customer_id, org_id, status FROM billing_invoice WHERE id >= ? AND id < ? ORDER BY id LIMIT ?`, q.Text, end, q.Limit)
	default:
		hits, err = store.All(tx, scanHit, `SELECT number, customer_id, org_id, status FROM billing_invoice WHERE number <> '' AND number >= ? AND number < ? ORDER BY number LIMIT ?`, strings.ToUpper(q.Text), find.End(strings.ToUpper(q.Text)), q.Limit)
		if err == nil && len(hits) < q.Limit {
			return ofOrgs(tx, q, hits)
		}
	}
	for i := range hits {
		if err := name(tx, &hits[i]); err != nil {
			return nil, err
		}
	}
	return hits, err
}

// scanHit leaves the org's id where its name is to stand.
func scanHit(r store.Scanner) (h find.Hit, err error) {
	var customer string
	err = r.Scan(&h.ID, &customer, &h.Detail, &h.Word)
	h.Title, h.Path = h.ID, "/-/admin/billing/customers/"+customer
	switch h.Word {
	case "active", "paid":
		h.Kind = "ok"
	case "grace", "restricted", "open":
		h.Kind = "warn"
	case "uncollectible":
		h.Kind = "danger"
	case "":
	default:
		h.Kind = "quiet"
	}
	return h, err
}

func name(tx *store.Tx, h *find.Hit) error {
	org, err := auth.FindOrg(tx, h.Detail)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	h.Detail = org.Name
	return err
}

// ofOrgs adds the customers of orgs whose name or slug begins so.
func ofOrgs(tx *store.Tx, q find.Query, hits []find.Hit) ([]find.Hit, error) {
	for i := range hits {
		if err := name(tx, &hits[i]); err != nil {
			return nil, err
		}
	}
	orgs, _, err := auth.Orgs(tx, auth.Filter{Query: q.Text}, q.Limit-len(hits))
	if err != nil {
		return nil, err
	}
	for _, o := range orgs {
		h, err := scanHit(tx.QueryRow(`SELECT id, id, org_id, '' FROM billing_customer WHERE org_id = ? AND deleted_at IS NULL`, o.ID))
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		h.Title, h.Detail = o.Name, h.ID
		hits = append(hits, h)
	}
	return hits, nil
}
