//go:build faults

package faults

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// receivingApp is the customer's app: it takes jobs and remembers which.
type receivingApp struct {
	*httptest.Server
	mu  sync.Mutex
	got map[string]int // deliveries by webhook-id
}

func newReceivingApp(t *testing.T) *receivingApp {
	t.Helper()
	a := &receivingApp{got: map[string]int{}}
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		a.mu.Lock()
		a.got[r.Header.Get("webhook-id")]++
		a.mu.Unlock()
	}))
	t.Cleanup(a.Close)
	return a
}

func (a *receivingApp) deliveries() map[string]int {
	a.mu.Lock()
	defer a.mu.Unlock()
	all := make(map[string]int, len(a.got))
	for id, n := range a.got {
		all[id] = n
	}
	return all
}

// newKey makes a data folder with an API key in it.
func newKey(t *testing.T, data string, permission string) string {
	t.Helper()
	c := exec.Command(stock, "token", "create", "faults", "--permission", permission)
	c.Env = []string{"PATH=" + os.Getenv("PATH"), "SEAWORTHY_DATA=" + data}
	out, err := c.Output()
	must(t, err)
	for word := range strings.FieldsSeq(string(out)) {
		if strings.HasPrefix(word, "sw_op_") {
			return word
		}
	}
	t.Fatalf("no key in %s", out)
	return ""
}

// TestKillJobs kills the process again and again while jobs are handed in and
// delivered (rows 1 to 3 of spec/jobs.md section 5): every job that was acknowledged is
// there once, in one state, and is delivered at least once; none is that was never
// asked for; and the same idempotency key never makes a second one.
func TestKillJobs(t *testing.T) {
	data, dice, receiver := newData(t), chance(), newReceivingApp(t)
	serve(t, data).stop()
	key := newKey(t, data, "jobs:*")
	var mu sync.Mutex
	acked := map[string]string{} // idempotency key -> job id
	hand := func(c *child, idem string) bool {
		body := fmt.Sprintf(`{"kind":"faults.job","args":{"n":%q}}`, idem)
		r, err := http.NewRequest("POST", c.url+"/-/api/v1/jobs", strings.NewReader(body))
		must(t, err)
		for name, value := range map[string]string{"Authorization": "Bearer " + key, "Content-Type": "application/json", "Idempotency-Key": idem} {
			r.Header.Set(name, value)
		}
		res, err := c.client.Do(r)
		if err != nil {
			return false
		}
		defer res.Body.Close()
		var made struct{ ID string }
		if raw, err := io.ReadAll(res.Body); err != nil || res.StatusCode != http.StatusCreated && res.StatusCode != http.StatusOK || json.Unmarshal(raw, &made) != nil {
			return false
		}
		mu.Lock()
		defer mu.Unlock()
		if before := acked[idem]; before != "" && before != made.ID {
			t.Errorf("the key %s was acknowledged as %s and as %s", idem, before, made.ID)
		}
		acked[idem] = made.ID
		return true
	}
	count := func() int { mu.Lock(); defer mu.Unlock(); return len(acked) }
	rounds := max(3, *kills/2)
	for run := range rounds {
		c := start(t, stock, data, "SEAWORTHY_APP_JOBS_URL="+receiver.URL)
		c.answers()
		var callers sync.WaitGroup
		for caller := range *clients {
			callers.Go(func() {
				for n := 0; ; n++ {
					idem := fmt.Sprintf("k-%d-%d-%d", run, caller, n)
					if !hand(c, idem) {
						return
					}
					if n%5 == 4 && !hand(c, idem) { // a caller that repeats itself
						return
					}
				}
			})
		}
		want := count() + 1 + dice.IntN(150)
		eventually(t, 60*time.Second, "jobs are acknowledged", func() bool { return count() >= want })
		c.kill()
		callers.Wait()
	}
	c := start(t, stock, data, "SEAWORTHY_APP_JOBS_URL="+receiver.URL)
	c.answers()
	eventually(t, 120*time.Second, "every acknowledged job is delivered", func() bool {
		got := receiver.deliveries()
		mu.Lock()
		defer mu.Unlock()
		for _, id := range acked {
			if got[id] == 0 {
				return false
			}
		}
		return true
	})
	// One that was delivered just before a kill is delivered again, and one that was caught twice
	// waits until the process has settled.
	reader := openSQLite(t, dbFile(data), "?mode=ro")
	eventually(t, 60*time.Second, "every job is over", func() bool {
		return len(texts(t, reader, `SELECT id FROM queue_job WHERE kind = 'faults.job' AND state NOT IN ('completed', 'dead', 'cancelled') LIMIT 1`)) == 0
	})
	must(t, reader.Close())
	c.becomesReady()
	c.stop()
	db := snapshot(t, data)
	for name, example := range broken(t, db) {
		t.Errorf("%s: %s", name, example)
	}
	asked := map[string]bool{}
	for _, row := range texts(t, db, `SELECT id || ' ' || state FROM queue_job WHERE kind = 'faults.job'`) {
		id, state, _ := strings.Cut(row, " ")
		asked[id] = true
		if state != "completed" {
			t.Errorf("job %s is %s", id, state)
		}
	}
	for idem, id := range acked {
		if !asked[id] {
			t.Errorf("LOST: the job of %s was acknowledged as %s and is not there", idem, id)
		}
	}
	again := 0
	for id, n := range receiver.deliveries() {
		if !asked[id] {
			t.Errorf("%s was delivered and is not there", id)
		}
		again += n - 1
	}
	if doubled := texts(t, db, `SELECT idem FROM queue_job WHERE idem IS NOT NULL GROUP BY source, idem HAVING count(*) > 1`); len(doubled) > 0 {
		t.Errorf("%d keys made more than one job, first %s", len(doubled), doubled[0])
	}
	t.Logf("%d kills, %d jobs acknowledged, 0 lost, %d deliveries repeated", rounds, len(acked), again)
}
