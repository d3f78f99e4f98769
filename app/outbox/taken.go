package outbox

import "time"

// taken are rows that still stand in the table and need nothing more from us than
// to be removed or marked. It is done when the app leaves a gap: a job does not
// wait for it, and the app's commits wait the less for ours.
type taken struct {
	done  []found // are jobs
	marks []mark  // can never be
	last  int64   // rowid of the last
	bytes int
	since time.Time
}

const (
	tarry     = 20 * time.Millisecond // rows wait no longer for a quiet moment
	lockedFor = time.Second           // until it is said that the app does not let us in
)

func (t *taken) empty() bool { return len(t.done) == 0 && len(t.marks) == 0 }

// full reports whether the rows must go before more are taken.
func (t *taken) full() bool { return len(t.done)+len(t.marks) >= 500 || t.bytes >= 4<<20 }

// add takes done and marks out of rows, which were read in this order.
func (t *taken) add(rows, done []found, marks []mark) {
	if t.empty() {
		t.since = time.Now()
	}
	t.done, t.marks = append(t.done, done...), append(t.marks, marks...)
	for _, r := range rows {
		t.bytes += sizeOf(r.v[2])
		t.last = r.rowid
	}
}

// settle removes what was taken if the file is quiet or it is time. Rows that
// came under a rowid that was taken are found afterwards.
func (w *watch) settle(f *file, quiet bool) (again bool, err error) {
	if w.taken.empty() {
		w.well()
		return false, nil
	}
	if !quiet && time.Since(w.taken.since) < tarry {
		return false, nil
	}
	if err = w.remove(f, false); err == nil {
		return true, nil
	}
	if state, problem := explain(err); state == Locked {
		if time.Since(w.taken.since) > lockedFor {
			w.status.set(w.db.Now(), Locked, problem)
		}
		return false, nil
	}
	return false, err
}

// remove takes rows that are jobs out of the table and marks bad ones. wait says
// to wait a little for the app's lock. What cannot be removed is kept in mind.
func (w *watch) remove(f *file, wait bool) error {
	t := &w.taken
	if t.empty() {
		return nil
	}
	if err := f.patience(wait); err != nil {
		return err
	}
	defer f.patience(true) // the app's commits lock out readers where there is no WAL
	err := f.finish(w.shape, t.done, t.marks)
	if codeOf(err)&0xff == codeConstraint && len(t.marks) > 0 {
		// The app does not let them be marked; they are known here all the same.
		err = f.finish(w.shape, t.done, nil)
	}
	if err == nil {
		*t = taken{}
	}
	return err
}
