package webhook_test

import (
	"bytes"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	stock "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"seaworthy/app/webhook"
)

// The vector of the specification's own tests.
const (
	vectorSecret    = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	vectorID        = "msg_p5jXN8AQM9LWM0D4loKWxJek"
	vectorUnix      = 1614265330
	vectorBody      = `{"test": 2432232314}`
	vectorSignature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
)

func parse(t testing.TB, text string) webhook.Secret {
	t.Helper()
	s, err := webhook.ParseSecret(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestVectorOfTheSpecification(t *testing.T) {
	t.Parallel()
	h := http.Header{}
	at := time.Unix(vectorUnix, 999)
	webhook.Sign(h, vectorID, at, []byte(vectorBody), parse(t, vectorSecret))
	if h.Get("webhook-id") != vectorID || h.Get("webhook-timestamp") != strconv.Itoa(vectorUnix) || h.Get("webhook-signature") != vectorSignature {
		t.Errorf("%v", h)
	}
	// The specification's libraries take secrets with and without the prefix.
	for _, text := range []string{vectorSecret, strings.TrimPrefix(vectorSecret, "whsec_")} {
		if id, err := webhook.Verify(h, []byte(vectorBody), at, parse(t, text)); err != nil || id != vectorID {
			t.Errorf("%q, %v", id, err)
		}
	}
}

func TestStockVerifierTakesOurs(t *testing.T) {
	t.Parallel()
	old, now, other := webhook.NewSecret(), webhook.NewSecret(), webhook.NewSecret()
	h := http.Header{}
	webhook.Sign(h, "job_1", time.Now(), []byte(`{"a":1}`), now, old)
	for name, c := range map[string]struct {
		secret webhook.Secret
		ok     bool
	}{"the new secret": {now, true}, "the old one": {old, true}, "another": {other, false}} {
		theirs, err := stock.NewWebhook(c.secret.Reveal())
		if err != nil {
			t.Fatal(err)
		}
		if err := theirs.Verify([]byte(`{"a":1}`), h); (err == nil) != c.ok {
			t.Errorf("%s: the stock verifier says %v", name, err)
		}
		if _, err := webhook.Verify(h, []byte(`{"a":1}`), time.Now(), c.secret); (err == nil) != c.ok {
			t.Errorf("%s: ours says %v", name, err)
		}
		if signature, err := theirs.Sign("job_1", time.Now(), []byte("x")); err != nil {
			t.Error(err)
		} else {
			h := http.Header{"Webhook-Id": {"job_1"}, "Webhook-Timestamp": {strconv.FormatInt(time.Now().Unix(), 10)}, "Webhook-Signature": {signature}}
			if _, err := webhook.Verify(h, []byte("x"), time.Now(), c.secret); err != nil {
				t.Errorf("%s: ours refuses what the stock one signed: %v", name, err)
			}
		}
	}
}

func TestWhatIsRefused(t *testing.T) {
	t.Parallel()
	secret, at := parse(t, vectorSecret), time.Unix(vectorUnix, 0)
	with := func(change func(http.Header)) http.Header {
		h := http.Header{}
		webhook.Sign(h, vectorID, at, []byte(vectorBody), secret)
		change(h)
		return h
	}
	same := func(http.Header) {}
	set := func(name, value string) func(http.Header) { return func(h http.Header) { h.Set(name, value) } }
	for name, c := range map[string]struct {
		h    http.Header
		body string
		now  time.Time
		want error
	}{
		"as it is":                 {with(same), vectorBody, at, nil},
		"at the edge of the past":  {with(same), vectorBody, at.Add(webhook.Tolerance), nil},
		"too old":                  {with(same), vectorBody, at.Add(webhook.Tolerance + time.Second), webhook.ErrTime},
		"too new":                  {with(same), vectorBody, at.Add(-webhook.Tolerance - time.Second), webhook.ErrTime},
		"another body":             {with(same), vectorBody + " ", at, webhook.ErrSignature},
		"another id":               {with(set("webhook-id", "msg_2")), vectorBody, at, webhook.ErrSignature},
		"another time":             {with(set("webhook-timestamp", "1614265331")), vectorBody, at, webhook.ErrSignature},
		"no id":                    {with(set("webhook-id", "")), vectorBody, at, webhook.ErrHeaders},
		"an id with a stop":        {with(set("webhook-id", "a.1614265330")), vectorBody, at, webhook.ErrHeaders},
		"no time":                  {with(set("webhook-timestamp", "")), vectorBody, at, webhook.ErrHeaders},
		"a time with a sign":       {with(set("webhook-timestamp", "+1614265330")), vectorBody, at, webhook.ErrHeaders},
		"a time that is no number": {with(set("webhook-timestamp", "1614265330.0")), vectorBody, at, webhook.ErrHeaders},
		"a time out of range":      {with(set("webhook-timestamp", "99999999999999999999")), vectorBody, at, webhook.ErrHeaders},
		"a time at the end":        {with(set("webhook-timestamp", "9223372036854775807")), vectorBody, at, webhook.ErrTime},
		"no signature":             {with(set("webhook-signature", "")), vectorBody, at, webhook.ErrSignature},
		"an empty one":             {with(set("webhook-signature", "v1,")), vectorBody, at, webhook.ErrSignature},
		"of another version":       {with(set("webhook-signature", strings.Replace(vectorSignature, "v1", "v1a", 1))), vectorBody, at, webhook.ErrSignature},
		"beside wrong ones":        {with(set("webhook-signature", "v1,AAAA v2,x "+vectorSignature+" v1")), vectorBody, at, nil},
		"behind too many":          {with(set("webhook-signature", strings.Repeat("v1,AAAA ", 16)+vectorSignature)), vectorBody, at, webhook.ErrSignature},
	} {
		if _, err := webhook.Verify(c.h, []byte(c.body), c.now, secret); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if _, err := webhook.Verify(with(same), []byte(vectorBody), at); !errors.Is(err, webhook.ErrSignature) {
		t.Errorf("without a secret: %v", err)
	}
	// HMAC takes an empty key, and so would whoever knows that there is none.
	h := http.Header{}
	webhook.Sign(h, vectorID, at, nil, webhook.Secret{})
	if _, err := webhook.Verify(h, nil, at, webhook.Secret{}, nil); !errors.Is(err, webhook.ErrSignature) {
		t.Errorf("an empty secret: %v", err)
	}
}

func TestSecrets(t *testing.T) {
	t.Parallel()
	s := webhook.NewSecret()
	if again := parse(t, s.Reveal()); !bytes.Equal(again, s) || len(s) != 32 || bytes.Equal(s, webhook.NewSecret()) {
		t.Error("a new secret is not what it shows")
	}
	for _, bad := range []string{"", "whsec_", "whsec_c2hvcnQ=", "whsec_!", "whpk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_" + strings.Repeat("A", 88), "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS"} {
		if _, err := webhook.ParseSecret(bad); err == nil {
			t.Errorf("%q is a secret", bad)
		}
	}
}

// FuzzVerify: nothing but a signature with the secret is taken.
func FuzzVerify(f *testing.F) {
	f.Add(vectorID, "1614265330", vectorSignature, []byte(vectorBody))
	f.Add("a.b", "-1", "v1,AAAA v1,=", []byte{})
	f.Fuzz(func(t *testing.T, id, unix, signature string, body []byte) {
		secret, at := parse(t, vectorSecret), time.Unix(vectorUnix, 0)
		h := http.Header{"Webhook-Id": {id}, "Webhook-Timestamp": {unix}, "Webhook-Signature": {signature}}
		got, err := webhook.Verify(h, body, at, secret)
		if err != nil {
			return
		}
		seconds, _ := strconv.ParseInt(unix, 10, 64)
		want := http.Header{}
		webhook.Sign(want, id, time.Unix(seconds, 0), body, secret)
		if got != id || !strings.Contains(signature, want.Get(webhook.HeaderSignature)) {
			t.Errorf("taken: %q %q %q %q", id, unix, signature, body)
		}
	})
}
