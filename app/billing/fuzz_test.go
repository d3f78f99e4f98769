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
