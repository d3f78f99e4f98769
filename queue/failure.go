package queue

// Failure is an attempt that somebody should look at: the job is dead, or its handler
// panicked.
type Failure struct {
	Job   Info
	Dead  bool
	Err   string
	Stack string // of a panic, as runtime/debug.Stack writes it; "" otherwise
	// Cause is what the handler returned; nil when that is not known any more.
	Cause error
}

// tell passes on how an attempt ended, if it was such a failure.
func (q *Queue) tell(job Info, res result) {
	if q.o.Failed != nil && (res.state == Dead || res.outcome == "panicked") {
		q.o.Failed(Failure{Job: job, Dead: res.state == Dead, Err: res.err, Stack: res.stack, Cause: res.cause})
	}
}
