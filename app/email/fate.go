package email

import (
	"encoding/json"

	"seaworthy/queue"
	"seaworthy/store"
)

// Fate is what became of a message so far: its status, or store.ErrNotFound.
func Fate(tx *store.Tx, message string) (status string, err error) {
	err = tx.QueryRow(`SELECT status FROM email_message WHERE id = ?`, message).Scan(&status)
	return status, err
}

// StatusOf is Fate for whom a message that is gone is no error: its status is "" then.
func StatusOf(tx *store.Tx, message string) (status string, err error) {
	status, err = Fate(tx, message)
	return status, ignoreGone(err)
}

// MessageOf is the message that a job delivers, or store.ErrNotFound for any other job.
func MessageOf(tx *store.Tx, job string) (string, error) {
	j, err := queue.ByID(tx, job)
	if err != nil {
		return "", err
	}
	var args Deliver
	if j.Kind != args.Kind() || j.Endpoint != "" || json.Unmarshal(j.Args, &args) != nil {
		return "", store.ErrNotFound
	}
	return args.Message, nil
}

// Trouble is a provider that takes no mail until a person does something, or its allowance
// begins anew, and why.
type Trouble struct{ Provider, State, Why string }

// Troubles are all of them, in the order in which they are tried.
func (s *System) Troubles(tx *store.Tx) (all []Trouble, err error) {
	for _, name := range s.order() {
		h, err := healthOf(tx, name)
		if err != nil {
			return nil, err
		}
		if h.state == stateStopped || h.state == stateQuota {
			all = append(all, Trouble{Provider: name, State: h.state, Why: h.lastError})
		}
	}
	return all, nil
}
