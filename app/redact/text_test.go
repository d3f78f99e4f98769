package redact

import (
	"strings"
	"testing"
)

func TestTextHidesWhatLooksSecret(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"user signed in": "user signed in",
		"got eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ1c3JfMSJ9.c2ln as token":      "got ••• as token",
		"stripe said: no such key sk_live_51Hx0abcDEF":                     "stripe said: no such key •••",
		"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw is wrong":                  "••• is wrong",
		"header Bearer abc.def-ghi":                                        "header Bearer •••",
		"dial postgres://ada:hunter2@db.example/x":                         "dial postgres://•••@db.example/x",
		"GET /reset?token=abcdef&next=/a":                                  "GET /reset?token=•••&next=/a",
		`near "x": UPDATE u SET password = 'hunter2' WHERE id = 1`:         `near "x": UPDATE u SET password = ••• WHERE id = 1`,
		`{"client_secret": "hunter2", "name": "Ada"}`:                      `{"client_secret": •••, "name": "Ada"}`,
		"card 4242 4242 4242 4242 was declined":                            "card ••• was declined",
		"order 1234567890123456 is late":                                   "order 1234567890123456 is late",
		`password="hun\"ter2" is wrong`:                                    `password=••• is wrong`,
		`password = 'hun''ter2', name = 'Ada'`:                             `password = •••, name = 'Ada'`,
		`{"error":"x","token":"hunter2hun`:                                 `{"error":"x","token":•••`,
		"secret='hunter2 and more\nthe next line":                          "secret=•••\nthe next line",
		"no such key sw_org_4k0abcdefghijklmnopqrstuvwxyz2345678":          "no such key •••",
		"refresh sw_rt_01jc5m8q9w3e7r2t6y1u4i8o0p_3_AbCdEfGh is spent":     "refresh ••• is spent",
		"sw_total_of_all_things stays":                                     "sw_total_of_all_things stays",
		"Authorization: Bearer hunter2hunter2":                             "Authorization: Bearer •••",
		"at 2026-11-22T14:05:00Z https://example.com/a?b=c took 12.5 ms":   "at 2026-11-22T14:05:00Z https://example.com/a?b=c took 12.5 ms",
		"evt_01jc5m8q9w3e7r2t6y1u4i8o0p of usr_01jc5m8q9w3e7r2t6y1u4i8o0p": "evt_01jc5m8q9w3e7r2t6y1u4i8o0p of usr_01jc5m8q9w3e7r2t6y1u4i8o0p",
	} {
		if got := Text(given); got != want {
			t.Errorf("%s\n is shown as %s\n want        %s", given, got, want)
		}
	}
}

func FuzzText(f *testing.F) {
	f.Add("token=hunter2hunter2 eyJhbGciOiJFUzI1NiJ9.e30.x 4242424242424242 a://b:c@d")
	f.Fuzz(func(t *testing.T, s string) {
		once := Text("password=" + "hunter2hunter2 " + s)
		if strings.Contains(once, "password=hunter2hunter2") {
			t.Errorf("%q shows the password", s)
		}
		if len(once) > 10*len(s)+100 {
			t.Errorf("%q grows to %d bytes", s, len(once))
		}
	})
}

func BenchmarkText(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		Text("the mail of usr_01jc5m8q9w3e7r2t6y1u4i8o0p could not be delivered: connection refused")
	}
}

// FuzzSigns: the quick look never says that there is nothing where a pattern finds something.
func FuzzSigns(f *testing.F) {
	for _, seed := range []string{"Authorization: Bearer abcdefgh", "pa\u017fsword=x", "to\u212Aen: x", "4111 1111-1111 1111", "x=1", "SECRET:\t\"y\""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		sign, low := signsOf(s), strings.ToLower(s)
		if contains(low, "bearer", "basic") && !sign.word(scheme) || contains(low, "pass", "secret", "token", "key", "credential", "authorization", "cookie", "signature") && !sign.word(telling) {
			t.Errorf("a word of %q is not seen", s)
		}
		if digits.MatchString(s) && sign.digits < 13 {
			t.Errorf("the number of %q is not seen", s)
		}
		for c := range byte(128) {
			if strings.IndexByte(s, c) >= 0 != sign.has(c) {
				t.Errorf("%q has %q: %v", s, c, sign.has(c))
			}
		}
	})
}
