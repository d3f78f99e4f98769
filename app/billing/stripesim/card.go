package stripesim

import "strings"

// Card is a test card (docs.stripe.com/testing).
type Card struct {
	Number, Method, Brand string
	Means                 string // what it does, for people
	attach, charge        string // code of the decline on that act; "": it works
	auth                  bool   // the owner has to confirm each payment
	dispute               bool
}

// Cards are those that can be paid with: numbers, names and behaviour are Stripe's, so that
// what is tried here can be tried there. Where one fails tells two faults apart: at once,
// or only when the saved card is charged later.
func Cards() []Card {
	return []Card{
		{Number: "4242424242424242", Method: "pm_card_visa", Brand: "visa", Means: "Works"},
		{Number: "5555555555554444", Method: "pm_card_mastercard", Brand: "mastercard", Means: "Works"},
		{Number: "4000000000000002", Method: "pm_card_visa_chargeDeclined", Brand: "visa", Means: "Declined", attach: "card_declined", charge: "card_declined"},
		{Number: "4000000000009995", Method: "pm_card_visa_chargeDeclinedInsufficientFunds", Brand: "visa", Means: "Insufficient funds", attach: "insufficient_funds", charge: "insufficient_funds"},
		{Number: "4000000000000069", Method: "pm_card_chargeDeclinedExpiredCard", Brand: "visa", Means: "Expired", attach: "expired_card", charge: "expired_card"},
		{Number: "4000000000000341", Method: "pm_card_chargeCustomerFail", Brand: "visa", Means: "Saved, but every payment fails", charge: "card_declined"},
		{Number: "4000002760003184", Method: "pm_card_authenticationRequired", Brand: "visa", Means: "Asks the owner to confirm (3D Secure)", auth: true},
		{Number: "4000000000000259", Method: "pm_card_createDispute", Brand: "visa", Means: "Works, then is disputed", dispute: true},
	}
}

func findCard(is func(Card) bool) *Card {
	for _, c := range Cards() {
		if is(c) {
			return &c
		}
	}
	return nil
}

// cardOf is the card behind a payment method.
func cardOf(pm object) Card {
	if c := findCard(func(c Card) bool { return c.Number == pm.str("_number") }); c != nil {
		return *c
	}
	return Cards()[0]
}

// declined is what a bank's no looks like; kinds other than these are a decline_code.
func declined(code string) *Error {
	e := &Error{Status: 402, Type: "card_error", Code: "card_declined", DeclineCode: code, Message: "Your card was declined."}
	switch code {
	case "card_declined", "":
		e.DeclineCode = "generic_decline"
	case "insufficient_funds":
		e.Message = "Your card has insufficient funds."
	case "expired_card":
		e.Code, e.Message = "expired_card", "Your card has expired."
	}
	return e
}

// newMethod makes a payment method of a number. Only test cards are taken: whoever types a
// real one here, by mistake, has it refused and not kept.
func (c *call) newMethod() (object, *Error) {
	if c.f.or("type", "card") != "card" {
		return nil, invalid("type", "Only cards are simulated.")
	}
	f := c.f.sub("card")
	number := strings.ReplaceAll(f.str("number"), " ", "")
	if t := f.str("token"); t != "" {
		number = Cards()[0].Number
		if found := findCard(func(k Card) bool { return k.Method == strings.Replace(t, "tok_", "pm_card_", 1) }); found != nil {
			number = found.Number
		}
	}
	card := findCard(func(k Card) bool { return k.Number == number })
	if card == nil {
		return nil, &Error{Status: 402, Type: "card_error", Code: "incorrect_number", Param: "number", Message: "Your card number is incorrect: only test cards are simulated."}
	}
	month, bad := f.num("exp_month", 12)
	year, worse := f.num("exp_year", int64(c.now().Year()+3))
	if bad != nil || worse != nil || month < 1 || month > 12 {
		return nil, &Error{Status: 402, Type: "card_error", Code: "invalid_expiry_month", Param: "exp_month", Message: "Your card's expiration date is invalid."}
	}
	return c.method(*card, month, year), nil
}

// method is a card as the API shows it: the number is kept under a name of our own, and
// only its last four digits are ever shown.
func (s *Sim) method(card Card, month, year int64) object {
	return s.make("payment_method", "pm", object{"type": "card", "customer": nil, "metadata": object{}, "_number": card.Number,
		"billing_details": object{"address": object{"city": nil, "country": nil, "line1": nil, "line2": nil, "postal_code": nil, "state": nil}, "email": nil, "name": nil, "phone": nil},
		"card": object{"brand": card.Brand, "last4": card.Number[12:], "exp_month": month, "exp_year": year, "country": "US", "funding": "credit", "fingerprint": "sim" + card.Number[10:],
			"checks": object{"address_line1_check": nil, "address_postal_code_check": nil, "cvc_check": "pass"}, "generated_from": nil, "networks": object{"available": []any{card.Brand}, "preferred": nil},
			"three_d_secure_usage": object{"supported": true}, "wallet": nil}})
}

// attachTo ties a payment method to a customer; the names of Stripe's test methods
// make a new one.
func (s *Sim) attachTo(id, customer, param string) (object, *Error) {
	pm := s.objects[id]
	if card := findCard(func(k Card) bool { return k.Method == id }); card != nil {
		pm = s.method(*card, 12, int64(s.now().Year()+3))
	}
	if pm == nil || pm.str("object") != "payment_method" {
		return nil, missing("PaymentMethod", id, param)
	}
	if owner := pm.str("customer"); owner != "" && owner != customer {
		return nil, invalid(param, "The payment method you provided has already been attached to a customer.")
	}
	if code := cardOf(pm).attach; code != "" {
		return nil, declined(code)
	}
	pm = s.edit(pm.str("id"))
	if pm.str("customer") == "" {
		pm["customer"] = customer
		s.emit("payment_method.attached", pm)
	}
	return pm, nil
}

// attach is where a bank is first asked about a card, and so where some say no.
func (c *call) attach() (object, *Error) {
	if _, bad := c.the("customer", c.f.str("customer"), "customer"); bad != nil {
		return nil, bad
	}
	return c.attachTo(c.id, c.f.str("customer"), "id")
}

// detach takes a card from its customer and from all that was paid with it. Its
// event names no customer any more: who hears of it has to know whose it was.
func (c *call) detach() (object, *Error) {
	pm, bad := c.own("payment_method")
	if bad != nil {
		return nil, bad
	}
	for _, o := range c.all("customer") {
		if o.sub("invoice_settings").str("default_payment_method") == c.id {
			c.edit(o.str("id")).sub("invoice_settings")["default_payment_method"] = nil
		}
	}
	for _, o := range c.all("subscription") {
		if o.str("default_payment_method") == c.id {
			c.edit(o.str("id"))["default_payment_method"] = nil
		}
	}
	pm["customer"] = nil
	c.emit("payment_method.detached", pm)
	return pm, nil
}
