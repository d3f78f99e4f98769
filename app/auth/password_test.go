package auth

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"seaworthy/app/auth/argon"
	"seaworthy/app/web"
)

func TestHashAndVerify(t *testing.T) {
	t.Parallel()
	h := NewHasher(2)
	phc, err := h.Hash(t.Context(), "correct horse")
	if err != nil || !strings.HasPrefix(phc, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Fatalf("%q, %v", phc, err)
	}
	again, _ := h.Hash(t.Context(), "correct horse")
	if phc == again {
		t.Error("two hashes of one password are equal: no salt")
	}
	for password, want := range map[string]bool{"correct horse": true, "Correct horse": false, "": false} {
		if ok, err := h.Verify(t.Context(), phc, password); ok != want || err != nil {
			t.Errorf("%q: %v, %v", password, ok, err)
		}
	}
	if ok, err := h.Verify(t.Context(), "", "anything"); ok || err != nil {
		t.Errorf("no hash: %v, %v", ok, err)
	}
	cheap, _ := NewCheapHasher().Hash(t.Context(), "correct horse")
	if !h.Outdated(cheap) || h.Outdated(phc) {
		t.Error("the cost of a hash is not compared")
	}
}

func TestHostileHashesAreRefused(t *testing.T) {
	t.Parallel()
	h := NewCheapHasher()
	for _, phc := range []string{
		"x", "$argon2i$v=19$m=8,t=1,p=1$AAAA$AAAA", "$argon2id$v=18$m=8,t=1,p=1$AAAA$AAAAAAAAAAAAAAAAAAAAAAAA",
		"$argon2id$v=19$m=99999999,t=1,p=1$AAAA$AAAAAAAAAAAAAAAAAAAAAAAA", "$argon2id$v=19$m=8,t=0,p=1$AAAA$AAAAAAAAAAAAAAAAAAAAAAAA",
		"$argon2id$v=19$m=8,t=1,p=0$AAAA$AAAAAAAAAAAAAAAAAAAAAAAA", "$argon2id$v=19$m=8,t=1,p=1$AAAA$AAAA", "$argon2id$v=19$m=8,t=1,p=1$!$AAAAAAAAAAAAAAAAAAAAAAAA",
	} {
		if ok, err := h.Verify(t.Context(), phc, "x"); ok || !errors.Is(err, argon.ErrBadHash) {
			t.Errorf("%q: %v, %v", phc, ok, err)
		}
	}
}

// A flood waits in a bounded line and then gets a 503, so memory stays bounded.
func TestHashingIsBounded(t *testing.T) {
	t.Parallel()
	h := NewHasher(1)
	release, err := h.acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	waiting := make(chan error, cap(h.queue))
	for range cap(h.queue) - 1 {
		go func() { _, err := h.Hash(ctx, "x"); waiting <- err }()
	}
	for len(h.queue) < cap(h.queue) {
		time.Sleep(time.Millisecond)
	}
	var public *web.Error
	if _, err := h.Hash(t.Context(), "x"); !errors.As(err, &public) || public.Status != 503 || public.RetryAfter == 0 {
		t.Errorf("one too many: %v", err)
	}
	cancel()
	for range cap(h.queue) - 1 {
		if err := <-waiting; !errors.Is(err, context.Canceled) {
			t.Errorf("a waiter that gave up: %v", err)
		}
	}
	release()
	if len(h.queue) != 0 || len(h.slots) != 0 {
		t.Errorf("%d places in line, %d at work are not given back", len(h.queue), len(h.slots))
	}
}

// The door lets in as many as can stand in line, and more while nothing is
// computed: whoever sends a form slowly keeps nobody out.
func TestDoorOfSignIn(t *testing.T) {
	t.Parallel()
	h := NewHasher(1)
	var leave []func()
	for range 3 * cap(h.queue) {
		l, err := h.Enter()
		if err != nil {
			t.Fatal(err)
		}
		leave = append(leave, l)
	}
	release := h.Hold()
	if _, err := h.Enter(); !errors.Is(err, errHasherBusy) {
		t.Errorf("while one is at work and many are inside: %v", err)
	}
	for _, l := range leave[cap(h.queue)-1:] {
		l()
	}
	if _, err := h.Enter(); err != nil {
		t.Errorf("while there is room: %v", err)
	}
	release()
}

// When no process can be had, passwords are hashed in this one, and that is said once.
func TestHashingWithoutItsProcess(t *testing.T) {
	t.Parallel()
	h := NewCheapHasher()
	var said []error
	h.UseProcesses([]string{"/nonexistent"}, func(err error) { said = append(said, err) })
	defer h.Close()
	for range 3 {
		phc, err := h.Hash(t.Context(), "x")
		if err != nil {
			t.Fatal(err)
		}
		if match, err := h.Verify(t.Context(), phc, "x"); !match || err != nil {
			t.Errorf("%v, %v", match, err)
		}
	}
	if len(said) != 1 {
		t.Errorf("said %d times: %v", len(said), said)
	}
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	for text, norm := range map[string]string{
		"ada@example.com": "ada@example.com", " Ada@EXAMPLE.com ": "ada@example.com", "ada+tag@sub.example.co.uk": "ada+tag@sub.example.co.uk",
		"ada@müller.example": "ada@xn--mller-kva.example", "ADA@MÜLLER.example": "ada@xn--mller-kva.example", "a@localhost": "a@localhost",
		"u\u0308ml@example.com": "üml@example.com", // composed and decomposed are one
	} {
		if a, ok := newAddress(text); !ok || a.norm != norm {
			t.Errorf("%q: %q, %v", text, a.norm, ok)
		}
	}
	for _, text := range []string{"", "ada", "@example.com", "ada@", "ada@nodot", "a b@example.com", "ada@exa mple.com", "<ada@example.com>", "Ada <ada@example.com>",
		"ada@example.com,bea@example.com", "ada\u200b@example.com", "ada@example.com\u202e", "ada＠example.com", "\"a b\"@example.com", "ada@[127.0.0.1]",
		"ada\x00@example.com", strings.Repeat("a", 65) + "@example.com", "a@" + strings.Repeat("b", 250) + ".com", "ada@-bad-.com", "ada@exam_ple.com"} {
		if a, ok := newAddress(text); ok {
			t.Errorf("%q passes as %q", text, a.norm)
		}
	}
}

func FuzzAddress(f *testing.F) {
	for _, seed := range []string{"ada@example.com", "ada@müller.example", "a\u0308@x.y", "@", "a@b@c.d"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, ok := newAddress(text)
		if !ok {
			return
		}
		if again, ok := newAddress(a.norm); !ok || again.norm != a.norm {
			t.Errorf("%q normalises to %q, and that to %q, %v", text, a.norm, again.norm, ok)
		}
		if strings.ContainsAny(a.norm, " \r\n\t<>,;\"") || strings.Count(a.norm, "@") != 1 {
			t.Errorf("%q normalises to %q", text, a.norm)
		}
	})
}
