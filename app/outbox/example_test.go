//go:build linux

package outbox

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"seaworthy/queue"
	"seaworthy/store"
)

func TestExamplePython(t *testing.T) {
	t.Parallel()
	example(t, find(t, "python3"), "examples/python/app.py")
}

func TestExampleNode(t *testing.T) {
	t.Parallel()
	node := find(t, "node")
	if out, err := exec.Command(node, "-e", `require("node:sqlite")`).CombinedOutput(); err != nil {
		version, _ := exec.Command(node, "--version").Output()
		t.Skipf("SKIPPED: node %s has no node:sqlite, which comes with 22.13, so its example was not tried (%.60s)", bytes.TrimSpace(version), bytes.TrimSpace(out))
	}
	example(t, node, "examples/node/app.mjs")
}

// shop is an example program that runs.
type shop struct {
	t      *testing.T
	url    string
	secret []byte
}

// post sends a body and decodes the answer.
func (s *shop) post(path string, header http.Header, body []byte) (status int, answer map[string]any) {
	s.t.Helper()
	r, err := http.NewRequest(http.MethodPost, s.url+path, bytes.NewReader(body))
	must(s.t, err)
	if header != nil {
		r.Header = header
	}
	res, err := http.DefaultClient.Do(r)
	must(s.t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	must(s.t, err)
	must(s.t, json.Unmarshal(text, &answer))
	return res.StatusCode, answer
}

// signed are the headers of a delivery, as Standard Webhooks says.
func (s *shop) signed(id string, at time.Time, body []byte, keys ...[]byte) http.Header {
	stamp := strconv.FormatInt(at.Unix(), 10)
	var all []string
	for _, key := range keys {
		mac := hmac.New(sha256.New, key)
		fmt.Fprintf(mac, "%s.%s.%s", id, stamp, body)
		all = append(all, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	return http.Header{"Webhook-Id": {id}, "Webhook-Timestamp": {stamp}, "Webhook-Signature": {strings.Join(all, " ")}, "Content-Type": {"application/json"}}
}

// example runs an example program against the relay: orders become jobs within
// moments of their commit, and the program does only the jobs that we signed.
func example(t *testing.T, program, script string) {
	r := newRig(t)
	s := &shop{t: t, secret: make([]byte, 32)}
	rand.Read(s.secret)
	cmd := exec.Command(program, script, r.path, "0")
	cmd.Env = append(os.Environ(), "SEAWORTHY_JOBS_SECRET=whsec_"+base64.StdEncoding.EncodeToString(s.secret))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	must(t, err)
	s.url = strings.TrimSpace(strings.TrimPrefix(line, "listening on "))
	r.start()
	r.is(Watching, "")

	const orders = 200
	committed := map[string]time.Time{}
	for range orders {
		status, answer := s.post("/orders", nil, []byte("item=tea"))
		if status != http.StatusCreated {
			t.Fatalf("an order is answered %d", status)
		}
		committed[answer["order"].(string)] = time.Unix(0, int64(answer["committed"].(float64)*1e9))
	}
	eventually(t, "every order is a job", func() bool { return len(jobs(t, r.db)) == orders })
	r.measure(committed)

	records, err := store.Read(t.Context(), r.db, func(tx *store.Tx) ([]queue.Record, error) {
		return queue.List(tx, queue.Filter{Limit: orders})
	})
	must(t, err)
	shop := openApp(t, r.path, "wal")
	s.attack(records[0], shop)
	for _, j := range records {
		body := bodyOf(t, j)
		for range 2 { // a delivery may come twice
			if status, answer := s.post("/jobs", s.signed(j.ID, time.Now(), body, s.secret), body); status != http.StatusOK {
				t.Fatalf("a delivery is answered %d, %v", status, answer)
			}
		}
	}
	if n := shop.text(`SELECT count(*) FROM orders WHERE state = 'packed'`); n != fmt.Sprint(orders) {
		t.Errorf("%s of %d orders were packed", n, orders)
	}
	if n := shop.text(`SELECT count(*) FROM jobs_done`); n != fmt.Sprint(orders) {
		t.Errorf("%s of %d jobs were done", n, orders)
	}
}

// attack delivers what the program must not take.
func (s *shop) attack(j queue.Record, shop *app) {
	s.t.Helper()
	body := bodyOf(s.t, j)
	other := bytes.Repeat([]byte("x"), 32)
	for name, h := range map[string]http.Header{
		"no signature": {"Webhook-Id": {j.ID}},
		"another's":    s.signed(j.ID, time.Now(), body, other),
		"old":          s.signed(j.ID, time.Now().Add(-6*time.Minute), body, s.secret),
		"to come":      s.signed(j.ID, time.Now().Add(6*time.Minute), body, s.secret),
		"another body": s.signed(j.ID, time.Now(), []byte("{}"), s.secret),
		"another id": func() http.Header {
			h := s.signed(j.ID, time.Now(), body, s.secret)
			h.Set("Webhook-Id", "job_x")
			return h
		}(),
		"no number": func() http.Header {
			h := s.signed(j.ID, time.Now(), body, s.secret)
			h.Set("Webhook-Timestamp", "now")
			return h
		}(),
		"empty v1": {"Webhook-Id": {j.ID}, "Webhook-Timestamp": {strconv.FormatInt(time.Now().Unix(), 10)}, "Webhook-Signature": {"v1, v1 v2,x"}},
	} {
		if status, _ := s.post("/jobs", h, body); status != http.StatusUnauthorized {
			s.t.Errorf("%s: answered %d", name, status)
		}
	}
	if n := shop.text(`SELECT count(*) FROM jobs_done`); n != "0" {
		s.t.Errorf("%s jobs were done for nobody", n)
	}
	// During a rotation there are two signatures, in either order.
	for i, keys := range [][][]byte{{other, s.secret}, {s.secret, other}} {
		if status, _ := s.post("/jobs", s.signed(j.ID, time.Now(), body, keys...), body); status != http.StatusOK {
			s.t.Errorf("rotation %d: answered %d", i, status)
		}
	}
}

// bodyOf is what is delivered.
func bodyOf(t *testing.T, j queue.Record) []byte {
	t.Helper()
	body, err := json.Marshal(map[string]any{"id": j.ID, "kind": j.Kind, "queue": j.Queue, "args": json.RawMessage(j.Args), "attempt": 1})
	must(t, err)
	return body
}

// measure logs how long it took from the program's commit until the job was
// durable, and fails if that was not told by events of the folder.
func (r *rig) measure(committed map[string]time.Time) {
	r.t.Helper()
	records, err := store.Read(r.t.Context(), r.db, func(tx *store.Tx) ([]queue.Record, error) { return queue.List(tx, queue.Filter{Limit: len(committed)}) })
	must(r.t, err)
	r.mu.Lock()
	defer r.mu.Unlock()
	var took []time.Duration
	for _, j := range records {
		var args struct{ Order string }
		must(r.t, json.Unmarshal(j.Args, &args))
		took = append(took, r.seen[j.Idempotency].Sub(committed[args.Order]))
	}
	slices.Sort(took)
	p50, p99 := took[len(took)/2], took[len(took)*99/100]
	r.t.Logf("commit to durable job: p50 %s, p99 %s, most %s (%s)", p50, p99, took[len(took)-1], filepath.Base(r.path))
	if p50 > 150*time.Millisecond || p99 > 10*time.Second {
		r.t.Errorf("p50 %s, p99 %s", p50, p99)
	}
}
