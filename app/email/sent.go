package email

import (
	"time"

	"seaworthy/store"
)

// Sent is a message as lists show it; what was in it is not kept.
type Sent struct {
	ID, To, Template string
	Subject          string // "" until it is sent
	Status           string
	Created          time.Time
}

// ToUser are the newest messages to a user.
func ToUser(tx *store.Tx, user string, limit int) ([]Sent, error) { return messagesTo(tx, user, limit) }
