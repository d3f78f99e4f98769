package billing

import (
	"fmt"

	"seaworthy/queue"
	"seaworthy/store"
)

// A job is dead once the process has died around it three times, however little that was its
// fault, or after its last try. What Stripe was told that we have, and what was decided to be
// mailed, must not end with it: both have one more job, and after that an alarm.

// lookGaveUp sees to the events that counted on a job that is dead: its own, and those that came
// while it waited and have no job of their own. No later event counts on the job that it adds.
func (s *System) lookGaveUp(tx *store.Tx, a Look, _ queue.Info) error {
	e, err := eventByID(tx, a.Event)
	if err == nil && e.state != eventQueued {
		e, err = waitingEvent(tx, e.customer)
	}
	if isNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	what := subjects[e.typ]
	if a.Again {
		about := e.customer
		if about == "" || what == aPrice {
			about = e.object
		}
		return raise(tx, alarm{Kind: alarmLeft, Object: about, About: fmt.Sprintf("What Stripe told of %s (%s, %s) could not be taken over: the job that looks at it gave up twice. Its dead letter says why. Replay the event once that is mended.", e.object, e.typ, e.id)})
	}
	_, err = queue.Enqueue(tx, Look{Event: e.id, Again: true}, queue.Key(lockOf(e, what), 1))
	return err
}

// tellGaveUp sees to a notice whose job is dead.
func (s *System) tellGaveUp(tx *store.Tx, a Tell, _ queue.Info) error {
	n, err := noticeByKey(tx, a.Notice)
	if isNotFound(err) || err == nil && n.state != "queued" {
		return nil
	}
	if err != nil {
		return err
	}
	if a.Again {
		return raise(tx, alarm{Kind: alarmUntold, Object: n.key, Org: n.org, About: fmt.Sprintf("The mail %s about %s was not written: its job gave up twice. Replay its dead letter once what that says is mended.", n.template, n.object)})
	}
	_, err = queue.Enqueue(tx, Tell{Notice: n.key, Again: true})
	return err
}
