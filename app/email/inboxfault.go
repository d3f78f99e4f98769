package email

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"seaworthy/app/web"
)

// The faults that the development inbox can be told to have.
const (
	faultTemporary = "temporary" // 451: the sender should try again
	faultPermanent = "permanent" // 550: it should give up
	faultTimeout   = "timeout"   // it is taken, and no answer comes
	faultSlow      = "slow"      // it is taken, after a while
)

// The bounds of a fault.
const maxFaultNext, maxFaultDelay = 1000, time.Minute

// Faults is what the inbox was told to do wrong. The zero value is nothing.
type Faults struct {
	Kind         string `json:"kind"`                   // temporary, permanent, timeout, slow; "" for none
	Next         int    `json:"next,omitempty"`         // how many more sends it meets
	Percent      int    `json:"percent,omitempty"`      // instead: of a hundred, until it is switched off
	Origin       string `json:"origin,omitempty"`       // of whose sends: seaworthy, smtp; "" for both
	Milliseconds int    `json:"milliseconds,omitempty"` // how long slow takes; 5000 if 0
}

// Delay is how long slow takes.
func (f Faults) Delay() time.Duration {
	if f.Milliseconds == 0 {
		return 5 * time.Second
	}
	return time.Duration(f.Milliseconds) * time.Millisecond
}

// faultState holds the faults of this process. They end with it: a developer who has
// forgotten them should not meet them tomorrow.
type faultState struct {
	mu     sync.Mutex
	now    Faults
	carry  int // of the percentage, from send to send
	struck int // sends that met it since it was set
}

// faultStatus is what is told of them.
type faultStatus struct {
	Faults
	On     bool `json:"on"`
	Struck int  `json:"struck"` // sends that met a fault since it was set
}

func (f *faultState) status() faultStatus {
	f.mu.Lock()
	defer f.mu.Unlock()
	return faultStatus{Faults: f.now, On: f.now.Kind != "", Struck: f.struck}
}

func (f *faultState) set(to Faults) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now, f.carry, f.struck = to, 0, 0
}

// strike is the fault that one send meets; its kind is "" for none. A percentage
// meets exactly so many of a hundred, evenly spread, so that tests can count on it.
func (f *faultState) strike(origin string) Faults {
	f.mu.Lock()
	defer f.mu.Unlock()
	met := f.now
	if met.Kind == "" || met.Origin != "" && met.Origin != origin {
		return Faults{}
	}
	if met.Percent > 0 {
		if f.carry += met.Percent; f.carry < 100 {
			return Faults{}
		}
		f.carry -= 100
	} else if f.now.Next--; f.now.Next <= 0 {
		f.now = Faults{}
	}
	f.struck++
	return met
}

// check says what is wrong with faults that somebody asks for.
func (f Faults) check() error {
	var c web.Check
	switch f.Kind {
	case faultTemporary, faultPermanent, faultTimeout, faultSlow:
	default:
		c.Fault(false, "kind", "unknown", "One of temporary, permanent, timeout, slow.")
	}
	c.Fault(f.Next >= 0 && f.Next <= maxFaultNext, "next", "range", "From 1 to 1000.")
	c.Fault(f.Percent >= 0 && f.Percent <= 100, "percent", "range", "From 1 to 100.")
	c.Fault((f.Next > 0) != (f.Percent > 0), "next", "alone", "Give either next or percent.")
	c.Fault(f.Origin == "" || f.Origin == fromSeaworthy || f.Origin == fromSMTP, "origin", "unknown", "seaworthy, smtp, or nothing for both.")
	c.Fault(f.Milliseconds >= 0 && f.Milliseconds <= int(maxFaultDelay.Milliseconds()), "milliseconds", "range", "From 0 to 60000.")
	return c.Err()
}

func (s *System) faultsShow(w http.ResponseWriter, _ *http.Request) error {
	return web.JSON(w, http.StatusOK, s.faults.status())
}

func (s *System) faultsPut(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[Faults](r)
	if err == nil {
		err = in.check()
	}
	if err != nil {
		return err
	}
	s.faults.set(in)
	return s.faultsShow(w, r)
}

func (s *System) faultsDelete(w http.ResponseWriter, _ *http.Request) error {
	s.faults.set(Faults{})
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// faultForm is the panel: what a person chooses, in words.
type faultForm struct {
	Kind   string `json:"kind"`   // "" switches them off
	Often  string `json:"often"`  // next-1, next-10, percent-50, percent-100
	Origin string `json:"origin"` // "" for both
}

// faultOften are the choices of the panel.
var faultOften = map[string]Faults{"next-1": {Next: 1}, "next-3": {Next: 3}, "next-10": {Next: 10}, "percent-10": {Percent: 10}, "percent-50": {Percent: 50}, "percent-100": {Percent: 100}}

func (s *System) faultsForm(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[faultForm](r)
	if err != nil {
		return err
	}
	var f Faults
	if in.Kind != "" {
		f = faultOften[in.Often]
		f.Kind, f.Origin = in.Kind, in.Origin
		if err := f.check(); err != nil {
			return err
		}
	}
	s.faults.set(f)
	return web.SeeOther(w, r, inboxBase)
}

// Says tells what the faults are, for people.
func (f faultStatus) Says() string {
	what := map[string]string{faultTemporary: "refused for now (451)", faultPermanent: "refused for good (550)", faultTimeout: "taken without an answer", faultSlow: "slow"}[f.Kind]
	whose := map[string]string{"": "Sends by Seaworthy and over SMTP", fromSeaworthy: "Sends by Seaworthy", fromSMTP: "Sends over SMTP"}[f.Origin]
	often := "the next " + strconv.Itoa(f.Next) + " of them"
	if f.Percent > 0 {
		often = strconv.Itoa(f.Percent) + " of 100"
	}
	return strings.Join([]string{whose, " are ", what, ": ", often, ". ", strconv.Itoa(f.Struck), " so far."}, "")
}
