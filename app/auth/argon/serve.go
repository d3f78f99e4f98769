package argon

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
)

// task is what a process is asked, a line of JSON. The password is bytes, because
// a JSON string would change those that are not UTF-8.
type task struct {
	Params   Params `json:"params"`
	Verify   bool   `json:"verify"`
	PHC      string `json:"phc"` // to verify
	Password []byte `json:"password"`
}

// result is its answer, a line of JSON.
type result struct {
	PHC     string `json:"phc,omitempty"`
	Match   bool   `json:"match,omitempty"`
	BadHash bool   `json:"bad_hash,omitempty"`
}

func (t task) run() result {
	if !t.Verify {
		return result{PHC: Hash(t.Params, t.Password)}
	}
	match, err := Verify(t.Params, t.PHC, t.Password)
	return result{Match: match, BadHash: errors.Is(err, ErrBadHash)}
}

// Serve is the process of its own: it answers tasks from in until that ends. The
// little heap makes a collection after each cheap, and its 19 MiB are there for the next.
// What the start of the program left behind goes back first. The limit is never met; without
// one the runtime expects a heap of gigabytes and takes up to 8 MB of huge pages to describe it.
func Serve(in io.Reader, out io.Writer) error {
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(512 << 20)
	debug.FreeOSMemory()
	tasks, results := json.NewDecoder(in), json.NewEncoder(out)
	for {
		var t task
		err := tasks.Decode(&t)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read a task: %w", err)
		}
		if err := results.Encode(t.run()); err != nil {
			return fmt.Errorf("answer a task: %w", err)
		}
		runtime.GC()
	}
}
