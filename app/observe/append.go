package observe

import (
	"context"
	"errors"

	"seaworthy/store"
)

// stored is a body of an error on its way into a segment.
type stored struct {
	seq   int64 // as lines have it
	issue string
	at    int64
	body  string
}

// append writes lines and bodies in one transaction, and returns how many lines there
// were. When a segment is full it goes on in the next one; when that finds no room either it
// is the disk that is full, and the oldest segment makes room, once.
func (f *files) append(lines []Line, bodies []stored) (int, error) {
	if len(lines)+len(bodies) == 0 {
		return 0, nil
	}
	err := f.write(lines, bodies)
	for try := 0; try < 2 && (errors.Is(err, store.ErrFull) || errors.Is(err, store.ErrCorrupt)); try++ {
		if turned := f.turn(err, try > 0); turned != nil {
			return len(lines), turned
		}
		err = f.write(lines, bodies)
	}
	return len(lines), err
}

// errShut says that the segment failed before and is not open yet again.
var errShut = errors.New("telemetry has no segment to write to for the moment")

// turn closes the segment, setting it aside if it is corrupt, and begins the next.
func (f *files) turn(why error, makeRoom bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.seg == nil {
		return errors.Join(why, errShut)
	}
	path := f.seg.Path()
	f.seal()
	if errors.Is(why, store.ErrCorrupt) {
		if err := quarantine(path, f.o.Clock()); err != nil {
			return err
		}
	} else if makeRoom {
		f.removeOldest()
	}
	return f.next(f.o.Clock())
}

func (f *files) write(lines []Line, bodies []stored) error {
	if f.seg == nil {
		return errShut
	}
	return f.seg.Write(context.Background(), func(tx *store.Tx) error {
		for i := range lines {
			l := &lines[i]
			attrs := string(l.Attrs)
			if _, err := tx.Exec(`INSERT INTO observe_log (seq, at, level, msg, request, trace, user_id, org, job, attrs) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
				f.base+l.Seq, l.At.UnixMilli(), int(l.Level), l.Message, l.Request, l.Trace, l.User, l.Org, l.Job, attrs); err != nil {
				return err
			}
		}
		for _, b := range bodies {
			if _, err := tx.Exec(`INSERT INTO observe_event (seq, issue, at, body) VALUES (?, ?, ?, ?)`, f.base+b.seq, b.issue, b.at, b.body); err != nil {
				return err
			}
		}
		return nil
	})
}
