//go:build !linux

package outbox

import "errors"

// notifier does not exist here: kqueue opens the files it watches, and closing
// one of them would drop SQLite's locks where they belong to the process.
type notifier struct{ C <-chan struct{} }

func notify(string, string) (*notifier, error) { return nil, errors.ErrUnsupported }

func (*notifier) close() {}
