package billing

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// currencyForm is a currency as Stripe writes it (ISO 4217, in small letters).
var currencyForm = regexp.MustCompile(`^[a-z]{3}$`)

// decimals are those of currencies that have not two (Stripe docs, "Zero-decimal
// currencies" and "Three-decimal currencies").
var decimals = map[string]int{"bif": 0, "clp": 0, "djf": 0, "gnf": 0, "jpy": 0, "kmf": 0, "krw": 0, "mga": 0, "pyg": 0, "rwf": 0, "vnd": 0, "vuv": 0,
	"xaf": 0, "xof": 0, "xpf": 0, "bhd": 3, "jod": 3, "kwd": 3, "omr": 3, "tnd": 3}

// Money is an amount in minor units as people read it: "49.00 EUR".
func Money(amount int64, currency string) string {
	n, odd := decimals[strings.ToLower(currency)]
	if !odd {
		n = 2
	}
	sign, unit := "", int64(1)
	for range n {
		unit *= 10
	}
	whole, part := amount/unit, amount%unit
	if amount < 0 {
		sign, whole, part = "-", -whole, -part
	}
	out := sign + fmt.Sprint(whole)
	if n > 0 {
		out += fmt.Sprintf(".%0*d", n, part)
	}
	return strings.TrimSpace(out + " " + strings.ToUpper(currency))
}

// minor reads an amount as people write it, in a currency's minor unit.
func minor(text, currency string) (amount int64, ok bool) {
	n, odd := decimals[strings.ToLower(currency)]
	if !odd {
		n = 2
	}
	whole, part, _ := strings.Cut(text, ".")
	if len(part) > n || len(whole) > 9 || whole == "" || strings.Trim(whole+part, "0123456789") != "" {
		return 0, false
	}
	amount, err := strconv.ParseInt(whole+part+strings.Repeat("0", n-len(part)), 10, 64)
	return amount, err == nil
}

// day is a date as mails and pages write it.
func day(t time.Time) string { return t.UTC().Format("2 Jan 2006") }
