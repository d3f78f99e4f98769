package flags

import (
	"fmt"
	"net/http"
	"sync"
	"time"

	"seaworthy/app/web"
)

// How many streams of events may be open at once: each holds a connection. A page's
// key stands for all its visitors, and an address for all who share it, so that these
// are generous; they keep one of them from taking what is there for all.
const (
	maxListeners          = 6000
	maxListenersOfKey     = 5000
	maxListenersOfPerson  = 50
	maxListenersOfAddress = 250
)

// listeners counts the streams that are open: all, and by who holds them. What
// nobody holds any more is not kept.
type listeners struct {
	mu  sync.Mutex
	all int
	by  map[string]int
}

// holder is somebody who may hold so many streams.
type holder struct {
	name, words string
	most        int
}

// enter counts one more for each holder, until leave; the error is a 503 when there
// are too many in all and a 429 when one of the holders has too many.
func (l *listeners) enter(of ...holder) (leave func(), err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all >= maxListeners {
		return nil, &web.Error{Status: http.StatusServiceUnavailable, Code: "busy", RetryAfter: time.Minute, Public: "Too many listen for changes at once."}
	}
	for _, h := range of {
		if l.by[h.name] >= h.most {
			return nil, &web.Error{Status: http.StatusTooManyRequests, Code: "too_many_streams", RetryAfter: time.Minute,
				Public: fmt.Sprintf("%s has %d streams of events open, and more are not given. Close some, or share one between pages.", h.words, h.most)}
		}
	}
	if l.by == nil {
		l.by = map[string]int{}
	}
	l.all++
	for _, h := range of {
		l.by[h.name]++
	}
	return func() { l.leave(of) }, nil
}

func (l *listeners) leave(of []holder) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all--
	for _, h := range of {
		if l.by[h.name]--; l.by[h.name] == 0 {
			delete(l.by, h.name)
		}
	}
}

// Streams is how many streams of events are open.
func (s *System) Streams() int {
	s.listeners.mu.Lock()
	defer s.listeners.mu.Unlock()
	return s.listeners.all
}

// holders are whose streams a ticket's is counted with.
func (s *System) holders(t ticket, r *http.Request) []holder {
	who := holder{name: "ticket " + t.of, words: "This key", most: maxListenersOfKey}
	if t.person {
		who.words, who.most = "This account", maxListenersOfPerson
	}
	if s.Unlimited {
		return []holder{who}
	}
	return []holder{who, {name: web.AddrKey(web.OriginOf(r.Context()).Addr), words: "Your address", most: maxListenersOfAddress}}
}
