package sentry

// Event is an error or a message (develop.sentry.dev/sdk/data-model/event-payloads).
type Event struct {
	ID          Text              `json:"event_id"`
	At          Stamp             `json:"timestamp"`
	Type        Text              `json:"type"`
	Level       Text              `json:"level"`
	Platform    Text              `json:"platform"`
	Release     Text              `json:"release"`
	Environment Text              `json:"environment"`
	Server      Text              `json:"server_name"`
	Transaction Text              `json:"transaction"`
	Culprit     Text              `json:"culprit"`
	Message     Message           `json:"message"`
	LogEntry    Message           `json:"logentry"`
	Exceptions  Values[Exception] `json:"exception"` // the cause first, what was thrown last
	Threads     Values[Exception] `json:"threads"`   // for messages with a stack
	Crumbs      Values[Crumb]     `json:"breadcrumbs"`
	Request     Request           `json:"request"`
	User        User              `json:"user"`
	Tags        Pairs             `json:"tags"`
	Contexts    Object            `json:"contexts"`
	Extra       Object            `json:"extra"`
	Fingerprint Values[Text]      `json:"fingerprint"`
	SDK         SDK               `json:"sdk"`
}

// Exception is one link of a chain.
type Exception struct {
	Type      Text  `json:"type"`
	Value     Text  `json:"value"`
	Module    Text  `json:"module"`
	Stack     Stack `json:"stacktrace"`
	Mechanism struct {
		Type      Text  `json:"type"`
		Handled   *bool `json:"handled"`
		Synthetic bool  `json:"synthetic"`
	} `json:"mechanism"`
}

// Stack is the calls, the innermost last.
type Stack struct {
	Frames Values[Frame] `json:"frames"`
}

// Frame is one call.
type Frame struct {
	Function Text         `json:"function"`
	Module   Text         `json:"module"`
	File     Text         `json:"filename"`
	Path     Text         `json:"abs_path"`
	Line     int          `json:"lineno"`
	Column   int          `json:"colno"`
	InApp    *bool        `json:"in_app"`
	Before   Values[Text] `json:"pre_context"`
	Source   Text         `json:"context_line"`
	After    Values[Text] `json:"post_context"`
}

// Crumb is something that came before.
type Crumb struct {
	At       Stamp  `json:"timestamp"`
	Level    Text   `json:"level"`
	Category Text   `json:"category"`
	Message  Text   `json:"message"`
	Data     Object `json:"data"`
}

// Request is the HTTP request in which it happened.
type Request struct {
	URL     Text   `json:"url"`
	Method  Text   `json:"method"`
	Headers Pairs  `json:"headers"`
	Query   Text   `json:"query_string"`
	Env     Object `json:"env"`
}

// User is to whom it happened.
type User struct {
	ID    Text `json:"id"`
	Email Text `json:"email"`
	Name  Text `json:"username"`
	Addr  Text `json:"ip_address"`
}

// SDK is what sent it.
type SDK struct {
	Name    Text `json:"name"`
	Version Text `json:"version"`
}

// DecodeEvent reads an event. What has not the type it should have is left out where that
// is one field of many; a body that is no JSON object is ErrMalformed.
func DecodeEvent(raw []byte) (*Event, error) {
	var e Event
	return &e, unmarshal(raw, &e)
}
