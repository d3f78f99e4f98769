package flags

import (
	"fmt"
	"sync"
	"time"
)

// news tells many listeners at once that flags changed: a channel that is closed and
// replaced, so that it costs the same for one and for thousands, and whoever is
// slow holds up nobody.
type news struct {
	mu      sync.Mutex
	since   time.Time // of this process
	n       int       // changes since then
	changed chan struct{}
}

// now is the id of the newest change, and a channel that is closed by the next one.
// Another process has other ids, so whoever comes back after a restart asks again.
func (w *news) now() (id string, changed <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.changed == nil {
		w.changed = make(chan struct{})
	}
	return fmt.Sprintf("%x-%x", w.since.UnixMilli(), w.n), w.changed
}

func (w *news) tell() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.n++
	if w.changed != nil {
		close(w.changed)
		w.changed = nil
	}
}
