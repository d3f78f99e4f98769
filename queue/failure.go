package queue

// Failure is an attempt that somebody should look at: the job is dead, or its handler
// panicked.
type Failure struct {
	Job   Info
	Dead  bool
	Err   string
	Stack string // of a panic, as runtime/debug.Stack writes it; "" otherwise
}

// tell passes on how an attempt ended, if it was such a failure.
func (q *Queue) tell(r *running, res result) {
	if q.o.Failed != nil && (res.state == Dead || res.outcome == "panicked") {
		q.o.Failed(Failure{Job: r.info, Dead: res.state == Dead, Err: res.err, Stack: res.stack})
	}
}
