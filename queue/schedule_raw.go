package queue

import (
	"encoding/json"

	"seaworthy/store"
)

// rawArgs are arguments of a kind that is known only at run time.
type rawArgs struct {
	kind string
	json.RawMessage
}

func (a rawArgs) Kind() string { return a.kind }

// enqueueRaw is Enqueue for a kind and JSON that are known only at run time.
func enqueueRaw(tx *store.Tx, kind string, args json.RawMessage, opts ...Option) (Ticket, error) {
	return Enqueue(tx, rawArgs{kind, args}, opts...)
}

// toEndpoint makes the job one of the customer's app.
func toEndpoint(string) Option { return func(*spec) {} }
