package billing

import (
	"time"

	"github.com/stripe/stripe-go/v76"

	"seaworthy/app/auth"
	"seaworthy/app/email/compose"
	"seaworthy/app/web"
	"seaworthy/store"
)

// maxLines bounds how many lines of an invoice a receipt has.
const maxLines = 40

// receiptOf is what a receipt says of an invoice beside its row.
func receiptOf(i invoiceRow, whole *stripe.Invoice) details {
	var d details
	if whole.Lines == nil || len(whole.Lines.Data) == 0 {
		d.Lines = []compose.Row{{"What": "Invoice " + i.number, "Amount": Money(i.total, i.currency)}}
	} else {
		for n, line := range whole.Lines.Data {
			if n == maxLines {
				d.Note = "There are more lines on the invoice itself."
				break
			}
			d.Lines = append(d.Lines, compose.Row{"What": web.CleanText(line.Description, 200), "Amount": Money(line.Amount, i.currency)})
		}
	}
	return d
}

func refundOf(r *stripe.Refund, c *stripe.Charge) details {
	d := details{Amount: r.Amount, Money: string(r.Currency), At: secs(r.Created), Method: "the card you paid with"}
	if m := c.PaymentMethodDetails; m != nil && m.Card != nil {
		d.Method = methodRow{brand: string(m.Card.Brand), last4: m.Card.Last4}.label()
	}
	if c.Invoice != nil {
		d.Number = c.Invoice.Number
	}
	return d
}

// words are what a notice says now, or why it is not true any more.
func (s *System) words(tx *store.Tx, n notice) (vars map[string]string, stale string, err error) {
	if tx.Now().Sub(n.made) > fresh {
		return nil, "it is too old", nil
	}
	org, err := auth.FindOrg(tx, n.org)
	if isNotFound(err) {
		return nil, "the organization is gone", nil
	}
	if err != nil {
		return nil, "", err
	}
	vars = map[string]string{"Org": org.Name, "URL": s.linkTo(org)}
	switch n.template {
	case "billing/receipt":
		stale, err = s.receiptWords(tx, n, vars)
	case "billing/refunded":
		vars["Amount"], vars["Number"], vars["Method"], vars["Date"] = Money(n.details.Amount, n.details.Money), n.details.Number, n.details.Method, day(at(n.details.At))
		if vars["Number"] == "" {
			stale, err = s.refundNumber(tx, n, vars)
		}
	case "billing/recovered":
		vars["Amount"], vars["Date"] = Money(n.details.Amount, n.details.Money), day(at(n.details.At))
		if _, err = dunningOf(tx, n.customer); err == nil {
			stale = "something else is overdue"
		} else if isNotFound(err) {
			err = nil
		}
	case "billing/trial_ending":
		stale, err = s.trialWords(tx, n, vars)
	case "billing/change_scheduled", "billing/change_applied":
		stale, err = s.changeWords(tx, n, vars)
	case "billing/paused", "billing/resumed":
		stale, err = s.pauseWords(tx, n, vars)
	case "billing/canceled":
		vars["Plan"], vars["When"], vars["Why"] = n.details.Plan, day(at(n.details.At)), n.details.Note
		vars["Until"] = day(at(n.details.At).Add(keepData))
	default:
		stale, err = s.dunningWords(tx, n, vars)
	}
	return vars, stale, err
}

// keepData is how long the data of an org is kept at least after its plan ended.
const keepData = 30 * 24 * time.Hour

func (s *System) receiptWords(tx *store.Tx, n notice, vars map[string]string) (stale string, err error) {
	i, err := invoiceByID(tx, n.object)
	if err != nil {
		return "", err
	}
	if i.status != "paid" {
		return "the invoice is not paid", nil
	}
	vars["Number"], vars["Date"], vars["Total"], vars["Tax"], vars["Note"] = i.number, day(at(i.paidAt)), Money(i.paid, i.currency), "", n.details.Note
	if i.tax > 0 {
		vars["Tax"] = Money(i.tax, i.currency)
	}
	vars["Method"], err = s.methodLabel(tx, i.customer, i.subscription)
	return "", err
}

// methodLabel is what a subscription is paid with: its own method, else the customer's.
func (s *System) methodLabel(tx *store.Tx, customer, subscription string) (string, error) {
	all, err := methodsOf(tx, customer)
	label := "your payment method"
	for _, m := range all {
		if m.usedBy == subscription {
			return m.label(), err
		}
		if m.usedBy == "customer" {
			label = m.label()
		}
	}
	return label, err
}

func (s *System) refundNumber(tx *store.Tx, n notice, vars map[string]string) (stale string, err error) {
	var invoice string
	if err := tx.QueryRow(`SELECT invoice_id FROM billing_refund WHERE id = ?`, n.object).Scan(&invoice); err != nil {
		return "", err
	}
	i, err := invoiceByID(tx, invoice)
	if isNotFound(err) {
		i, err = invoiceRow{number: n.object}, nil
	}
	vars["Number"] = i.number
	return "", err
}

func (s *System) trialWords(tx *store.Tx, n notice, vars map[string]string) (stale string, err error) {
	sub, err := subByID(tx, n.object)
	if err != nil {
		return "", err
	}
	if sub.status != string(stripe.SubscriptionStatusTrialing) || sub.trialEnd != n.details.At || sub.cancelAtEnd || sub.cancelAt != 0 {
		return "the trial does not lead to a payment any more", nil
	}
	if at(sub.trialEnd).Before(s.now(tx)) {
		return "the trial is over", nil
	}
	vars["Plan"], err = planName(tx, sub.plan)
	if err != nil {
		return "", err
	}
	items, err := itemsOf(tx, sub.id)
	if err != nil {
		return "", err
	}
	vars["Date"], vars["Amount"], vars["Method"] = day(at(sub.trialEnd)), priceWords(items, sub.currency), ""
	methods, err := methodsOf(tx, sub.customer)
	if err == nil && len(methods) > 0 {
		vars["Method"], err = s.methodLabel(tx, sub.customer, sub.id)
	}
	return "", err
}

// priceWords is what the items of a subscription cost together: "49.00 EUR a month".
func priceWords(items []itemRow, currency string) string {
	var total, count int64
	interval := ""
	for _, i := range items {
		total += i.amount * i.quantity
		interval, count = i.interval, i.count
	}
	return Money(total, currency) + everyWords(interval, count)
}

// everyWords is how often something is due: " a month", " every 3 months".
func everyWords(interval string, count int64) string {
	switch {
	case interval == "":
		return ""
	case count > 1:
		return " every " + itoa(count) + " " + interval + "s"
	}
	return " a " + interval
}

// dunningWords are what a reminder says. It is stale once its invoice is not what
// the customer is behind with, or he is further on already.
func (s *System) dunningWords(tx *store.Tx, n notice, vars map[string]string) (stale string, err error) {
	d, err := dunningOf(tx, n.customer)
	if isNotFound(err) || err == nil && d.invoice != n.object {
		return "nothing is owed any more", nil
	}
	if err != nil {
		return "", err
	}
	narrow := n.template == "billing/restricted" || n.template == "billing/restricted_reminder"
	switch {
	case !d.paused.IsZero():
		return "a dispute is open", nil
	case d.state == Canceled, narrow != (d.state == Restricted):
		return "the next step was taken meanwhile", nil
	}
	i, err := invoiceByID(tx, d.invoice)
	if err != nil {
		return "", err
	}
	vars["Amount"], vars["Number"] = Money(d.amount, d.currency), i.number
	if narrow {
		if vars["When"], vars["Date"] = day(d.limited), ""; !d.endsOn().IsZero() {
			vars["Date"] = day(d.endsOn())
		}
	} else {
		vars["Date"] = day(d.since.Add(restrictDay * oneDay))
		vars["Method"], err = s.methodLabel(tx, n.customer, i.subscription)
	}
	if n.template == "billing/action_required" && i.hosted != "" {
		vars["URL"] = i.hosted
	}
	return "", err
}
