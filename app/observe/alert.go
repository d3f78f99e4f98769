package observe

import "time"

// Alert is something that needs a person, or did.
type Alert struct {
	ID         string    `json:"id"`
	Rule       string    `json:"rule"`
	Subject    string    `json:"subject,omitempty"` // what it is about: an error, a route, a queue
	Critical   bool      `json:"critical"`
	Title      string    `json:"title"`
	Detail     string    `json:"detail"`
	Number     string    `json:"number,omitempty"`  // the value it fires for, with its unit
	Before     string    `json:"before,omitempty"`  // what it was, or is held against
	Release    string    `json:"release,omitempty"` // that runs, or that the error came with
	Path       string    `json:"path"`              // the console's page where to look
	FiredAt    time.Time `json:"fired_at"`
	AckedAt    time.Time `json:"acknowledged_at,omitzero"`
	AckedBy    string    `json:"acknowledged_by,omitempty"`
	ResolvedAt time.Time `json:"resolved_at,omitzero"`

	told   bool
	calmAt time.Time
}

// State is firing, acknowledged or resolved.
func (a Alert) State() string {
	switch {
	case !a.ResolvedAt.IsZero():
		return "resolved"
	case !a.AckedAt.IsZero():
		return "acknowledged"
	}
	return "firing"
}

// AlertEvent is a line of an alert's timeline.
type AlertEvent struct {
	At    time.Time `json:"at"`
	Kind  string    `json:"kind"`            // fired, worse, acknowledged, resolved
	Actor string    `json:"actor,omitempty"` // user id; "" for the program
	Note  string    `json:"note,omitempty"`
}

// Silence holds back what channels are told, for a time. What fires is seen on the page all the same,
// and is told of afterwards if it still fires then.
type Silence struct {
	ID        string    `json:"id"`
	Rule      string    `json:"rule,omitempty"`    // "" for all
	Subject   string    `json:"subject,omitempty"` // "" for all of the rule
	Until     time.Time `json:"until"`
	Note      string    `json:"note,omitempty"`
	By        string    `json:"by,omitempty"`
	CreatedAt time.Time `json:"created_at"`
}

// Bounds of what people can make.
const (
	maxSilences = 100
	maxChannels = 20
	mostOpen    = 2000 // alerts at once; what lasts waits until some are over, of what happened beyond nobody is told
)

func (s Silence) holds(a Alert) bool {
	return (s.Rule == "" || s.Rule == a.Rule) && (s.Subject == "" || s.Subject == a.Subject)
}

func silenced(all []Silence, a Alert) bool {
	for _, s := range all {
		if s.holds(a) {
			return true
		}
	}
	return false
}

// Reading is how something outside of this package stands: a queue, the disk, a provider.
type Reading struct {
	Rule     string
	Subject  string  // which of its kind; "" where there is one
	Name     string  // as people know it; "" where there is one
	Value    float64 // in the rule's unit
	Bad      bool    // whatever the value says
	Critical bool    // whatever the rule says
	Detail   string  // a sentence
	Path     string  // the console's page
}

// finding is what a look found of one thing.
type finding struct {
	alert     Alert
	bad, calm bool
	calmFor   time.Duration // how long it must be well before the alert is over
	hold      time.Duration // how long it must last before it fires
}

// calmFor is how long something must be well before its alert is over.
const calmFor = 2 * time.Minute
