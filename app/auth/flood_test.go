package auth_test

import (
	"context"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"

	"seaworthy/app/apptest"
)

// Attack 36: of 1,000 sign-ins at once as many wait as may, the others hear 503
// at once, pages of another kind are served meanwhile, and who gives up leaves.
func TestAttack36FloodOfSignIns(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	a.Verified("ada@example.com")
	release := a.Auth.Hasher.Hold()
	_, most := a.Auth.Hasher.Line()
	ctx, giveUp := context.WithCancel(t.Context())
	var mu sync.Mutex
	statuses := map[string]map[int]int{"ada@example.com": {}, "nobody@example.com": {}}
	bodies := map[string]bool{}
	var all sync.WaitGroup
	var heap [2]runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&heap[0])
	for i := range 1000 {
		all.Go(func() {
			email := []string{"ada@example.com", "nobody@example.com"}[i%2]
			r := httptest.NewRequestWithContext(ctx, "POST", a.URL+"/-/api/v1/login", strings.NewReader(`{"email":"`+email+`","password":"not the password"}`))
			r.Header.Set("Content-Type", "application/json")
			w := httptest.NewRecorder()
			a.Web.ServeHTTP(w, r)
			mu.Lock()
			defer mu.Unlock()
			statuses[email][w.Code]++
			if w.Code == 503 {
				bodies[varies.ReplaceAllString(w.Body.String(), "ID")+w.Header().Get("Retry-After")] = true
			}
		})
	}
	shed := func() int {
		mu.Lock()
		defer mu.Unlock()
		return statuses["ada@example.com"][503] + statuses["nobody@example.com"][503]
	}
	for now := 0; now < most || shed() < 1000-most; now, _ = a.Auth.Hasher.Line() {
		runtime.Gosched()
	}
	a.Browser().Get("/-/login").Want(200) // pages of another kind
	a.Browser().Get("/-/healthz").Want(200)
	p := a.Browser().Post("/-/login", "email", "ada@example.com", "password", apptest.Password).Want(503, "Many people are signing in at once")
	if p.Header.Get("Retry-After") != "2" {
		t.Errorf("Retry-After %q", p.Header.Get("Retry-After"))
	}
	runtime.ReadMemStats(&heap[1])
	if grown := int64(heap[1].HeapInuse) - int64(heap[0].HeapInuse); grown > 64<<20 {
		t.Errorf("the heap grew by %d MB", grown>>20)
	}
	giveUp()
	all.Wait()
	if now, _ := a.Auth.Hasher.Line(); now != 0 {
		t.Errorf("%d who gave up still stand in line", now)
	}
	release()
	if len(bodies) != 1 {
		t.Errorf("the answers differ: %v", bodies)
	}
	for email, got := range statuses {
		if got[503] == 0 || got[401] != 0 {
			t.Errorf("%s: %v", email, got)
		}
	}
	a.Browser().Post("/-/login", "email", "ada@example.com", "password", apptest.Password).Want(200)
}
