package email

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"seaworthy/app/email/post"
)

// Who watches is told of each connection: the host, the reply, and whether the server is to blame.
func TestSMTPIsWatched(t *testing.T) {
	t.Parallel()
	s, err := NewSMTP("smtp://127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	s.Watch = func(_ context.Context, host string) func(int, bool) {
		return func(code int, failed bool) { told = append(told, fmt.Sprint(host, " ", code, " ", failed)) }
	}
	m := post.Message{From: "a@acme.example", To: "b@example.com", Raw: []byte("Subject: x\r\n\r\ny\r\n")}
	if _, err := s.Send(t.Context(), m); err == nil {
		t.Fatal("nobody listens there")
	}
	m.To = "no address"
	if _, err := s.Send(t.Context(), m); err == nil {
		t.Fatal("that is no address")
	}
	_ = s.watched(t.Context(), func() error { return &post.Error{Class: post.Refused, Status: 550} })
	_ = s.watched(t.Context(), func() error { return nil })
	if want := []string{"127.0.0.1 0 true", "127.0.0.1 550 false", "127.0.0.1 250 false"}; !slices.Equal(told, want) {
		t.Errorf("told %q", told)
	}
}
