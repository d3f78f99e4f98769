package stripesim

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"time"

	"seaworthy/store"
)

// Schema is that of the simulator's own file: one row an object.
func Schema() []store.Migration {
	return []store.Migration{{Version: 1, Name: "stripesim_objects", SQL: "CREATE TABLE sim_object (kind TEXT NOT NULL, id TEXT NOT NULL PRIMARY KEY, json TEXT NOT NULL) STRICT;"}}
}

// stateID is the row that holds what is no object: clock and counter.
const stateID = "_state"

// open takes up what the folder holds. The file is of a database of its own, so that play
// money never gets into a copy of the business.
func (s *Sim) open(ctx context.Context) error {
	if err := os.MkdirAll(s.o.Dir, 0o700); err != nil {
		return err
	}
	db, err := store.Open(filepath.Join(s.o.Dir, "stripesim.db"), store.Options{Clock: s.o.Clock, Log: s.o.Log, Readers: 1})
	if err != nil {
		return err
	}
	s.db = db
	_, err = store.Migrate(ctx, db, store.MigrateOptions{Steps: Schema()})
	if err == nil {
		err = s.load(ctx)
	}
	if err != nil {
		return errors.Join(err, db.Close())
	}
	return nil
}

// load reads all objects into memory: they are few, and each change looks at many.
func (s *Sim) load(ctx context.Context) error {
	rows, err := store.Read(ctx, s.db, func(tx *store.Tx) ([]string, error) {
		return store.All(tx, func(r store.Scanner) (text string, err error) { return text, r.Scan(&text) }, "SELECT json FROM sim_object")
	})
	if err != nil {
		return err
	}
	for _, text := range rows {
		var o object
		if err := json.Unmarshal([]byte(text), &o); err != nil {
			return err
		}
		if o.str("id") == stateID {
			s.seq, s.offset = o.num("seq"), time.Duration(o.num("offset_seconds"))*time.Second
			continue
		}
		s.objects[o.str("id")] = o
	}
	return nil
}

// save writes what the running change touched. It is called with the lock held, so that the
// file is never behind what was answered.
func (s *Sim) save(ctx context.Context) error {
	if s.db == nil || len(s.undo) == 0 && !s.moved {
		return nil
	}
	s.moved = false
	put := map[string][2]string{}
	for id := range s.undo {
		if o := s.objects[id]; o != nil {
			text, err := json.Marshal(o)
			if err != nil {
				return err
			}
			put[id] = [2]string{o.str("object"), string(text)}
		}
	}
	state, err := json.Marshal(object{"id": stateID, "seq": s.seq, "offset_seconds": int64(s.offset / time.Second)})
	if err != nil {
		return err
	}
	put[stateID] = [2]string{"state", string(state)}
	return s.db.Write(ctx, func(tx *store.Tx) error {
		for id := range s.undo {
			if _, kept := put[id]; kept {
				continue
			}
			if _, err := tx.Exec("DELETE FROM sim_object WHERE id = ?", id); err != nil {
				return err
			}
		}
		for id, o := range put {
			if _, err := tx.Exec("INSERT INTO sim_object (kind, id, json) VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET json = excluded.json", o[0], id, o[1]); err != nil {
				return err
			}
		}
		return nil
	})
}

// Keep has the simulator keep its state in a folder from now on, and take up what the
// folder holds. It is called before anything is asked of it.
func (s *Sim) Keep(ctx context.Context, dir string) error {
	s.o.Dir = dir
	return s.open(ctx)
}
