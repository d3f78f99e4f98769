package billing

import (
	"fmt"
	"strings"

	"github.com/stripe/stripe-go/v76"

	"seaworthy/app/web"
	"seaworthy/store"
)

// methodRow is a row of billing_method: a card or account that is charged.
type methodRow struct {
	id, customer, typ, brand, last4 string
	month, year                     int64
	usedBy                          string // customer, or the id of a subscription
}

func methodRowOf(m *stripe.PaymentMethod, customer, usedBy string) methodRow {
	row := methodRow{id: m.ID, customer: customer, typ: string(m.Type), usedBy: usedBy}
	switch {
	case m.Card != nil:
		row.brand, row.last4, row.month, row.year = string(m.Card.Brand), m.Card.Last4, m.Card.ExpMonth, m.Card.ExpYear
	case m.SEPADebit != nil:
		row.last4 = m.SEPADebit.Last4
	case m.USBankAccount != nil:
		row.brand, row.last4 = m.USBankAccount.BankName, m.USBankAccount.Last4
	case m.BACSDebit != nil:
		row.last4 = m.BACSDebit.Last4
	}
	row.brand = web.CleanText(row.brand, 60)
	return row
}

// label is what people know it by: "Visa ending in 4242".
func (m methodRow) label() string {
	name := m.brand
	if name == "" {
		name = strings.ReplaceAll(m.typ, "_", " ")
	}
	name = capital(name)
	if m.last4 == "" {
		return name
	}
	return name + " ending in " + m.last4
}

// expiry is the end of a card as it is printed on it; "" for none.
func (m methodRow) expiry() string {
	if m.year == 0 {
		return ""
	}
	return fmt.Sprintf("%02d/%d", m.month, m.year)
}

func methodsOf(tx *store.Tx, customer string) ([]methodRow, error) {
	return store.All(tx, func(r store.Scanner) (m methodRow, err error) {
		return m, r.Scan(&m.id, &m.customer, &m.typ, &m.brand, &m.last4, &m.month, &m.year, &m.usedBy)
	}, `SELECT id, customer_id, type, brand, last4, exp_month, exp_year, used_by FROM billing_method WHERE customer_id = ? ORDER BY id`, customer)
}

// ownerOfMethod is the customer who is charged by a method.
func ownerOfMethod(tx *store.Tx, id string) (customer string, err error) {
	err = tx.QueryRow(`SELECT customer_id FROM billing_method WHERE id = ?`, id).Scan(&customer)
	return customer, err
}

// applyMethods keeps what is charged now: the customer's default, and what
// subscriptions have instead.
func applyMethods(tx *store.Tx, c customerRow, snap *snapshot) error {
	var now []methodRow
	seen := map[string]bool{}
	add := func(m *stripe.PaymentMethod, usedBy string) {
		if m != nil && m.ID != "" && m.Type != "" && !seen[m.ID] {
			seen[m.ID] = true
			now = append(now, methodRowOf(m, c.id, usedBy))
		}
	}
	if i := snap.customer.InvoiceSettings; i != nil {
		add(i.DefaultPaymentMethod, "customer")
	}
	for _, sub := range snap.subs {
		if s, _ := stateOf(sub.Status, None); s.lives() {
			add(sub.DefaultPaymentMethod, sub.ID)
		}
	}
	if _, err := tx.Exec(`DELETE FROM billing_method WHERE customer_id = ?`, c.id); err != nil {
		return err
	}
	for _, m := range now {
		if _, err := tx.Exec(`INSERT INTO billing_method (id, customer_id, type, brand, last4, exp_month, exp_year, used_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (id) DO UPDATE SET customer_id = excluded.customer_id, used_by = excluded.used_by`, m.id, m.customer, m.typ, m.brand, m.last4, m.month, m.year, m.usedBy); err != nil {
			return err
		}
	}
	return nil
}
