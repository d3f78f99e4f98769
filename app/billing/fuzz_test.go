package billing

import (
	"strings"
	"testing"
	"time"
)

func FuzzEnvelope(f *testing.F) {
	f.Add([]byte(`{"id":"evt_1","object":"event","type":"customer.updated","created":1,"livemode":true,"data":{"object":{"id":"cus_1","object":"customer"}}}`))
	f.Add([]byte(`{"id":"evt_1","type":"invoice.paid","data":{"object":{"id":"in_1","object":"invoice","customer":{"id":"cus_1"},"subscription":null}}}`))
	f.Add([]byte(`{"id":"evt_1","object":"v2.core.event","type":"a","created":"2026"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		e, err := readEnvelope(body)
		if err != nil {
			return
		}
		for _, id := range []string{e.ID, e.customer(), e.about()} {
			if len(id) > 255 || strings.ContainsAny(id, " \n\x00/?") {
				t.Errorf("takes the id %q", id)
			}
		}
		if at := e.createdAt(); at.Year() > 40_000 || e.subject() != nothing && e.customer() == "" && e.about() == "" {
			t.Errorf("takes %+v", e)
		}
	})
}

func FuzzSignature(f *testing.F) {
	f.Add("t=1,v1=00", "body")
	f.Add("t=1,t=2,v1=", "")
	f.Fuzz(func(t *testing.T, header, body string) {
		if label, err := verify([]Secret{{Label: "a", Value: "whsec_nobody_knows"}, {Label: "b"}}, []byte(body), header, time.Unix(1, 0)); err == nil {
			t.Errorf("%q verifies under %s", header, label)
		}
	})
}

func FuzzMinor(f *testing.F) {
	f.Add("12.50", "eur")
	f.Add("1", "jpy")
	f.Add("-0.005", "kwd")
	f.Fuzz(func(t *testing.T, text, currency string) {
		n, ok := minor(text, currency)
		if !ok {
			return
		}
		back, again := minor(strings.TrimSuffix(Money(n, currency), " "+strings.ToUpper(currency)), currency)
		if n < 0 || (currency == "eur" || currency == "jpy") && (!again || back != n) {
			t.Errorf("%q of %q is %d, which is written %q", text, currency, n, Money(n, currency))
		}
	})
}

func FuzzResumes(f *testing.F) {
	f.Add("2027-03-01", "void")
	f.Add("", "sleep")
	f.Fuzz(func(t *testing.T, on, behavior string) {
		in := pauseInput{Resumes: on, Behavior: behavior}
		if until, err := in.read(); err == nil && on != "" && until.Format(time.DateOnly) != on {
			t.Errorf("%q is %s", on, until)
		}
	})
}
