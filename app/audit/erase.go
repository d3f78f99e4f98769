package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"seaworthy/app/web"
	"seaworthy/store"
)

// erasure is a line of the list that the vaults keep: a restore of an older
// database brings erased data back, and the list has it erased again.
type erasure struct {
	Subject string `json:"subject"` // type:id
	At      int64  `json:"at"`      // ms; what was recorded later was not meant
}

// eraseChunk is how many disclosures are erased in one transaction.
const eraseChunk = 500

// Erase deletes the personal data of a subject from the log, up to now. The
// events stay, their digests with them, and every proof stays valid. It returns
// how many disclosures there were; with none nothing is recorded, so that a
// repeat changes nothing.
//
// Backups hold the data until their retention has passed.
func (s *System) Erase(ctx context.Context, subject Ref) (int, error) {
	if err := checkSubject(subject); err != nil {
		return 0, err
	}
	e := erasure{Subject: subject.String(), At: s.DB.Now().UnixMilli()}
	// The list first: were the process to end in between, the next start would
	// finish what it finds there.
	if err := s.listErasure(ctx, e); err != nil {
		return 0, err
	}
	n, err := s.erase(ctx, e, false)
	if err != nil || n == 0 {
		return n, err
	}
	// Exports may hold the data, too; they can be asked for again. One that is being written
	// is written anew, unless it was finished before: that is committed after this write.
	s.erasures.Add(1)
	if err := s.DB.Write(ctx, func(*store.Tx) error { return nil }); err != nil {
		return n, err
	}
	if err := s.dropExports(ctx, s.DB.Now()); err != nil {
		return n, err
	}
	return n, s.scrub(ctx)
}

// checkSubject refuses what cannot be one: the list of erasures is kept for ever, and read at
// each start.
func checkSubject(subject Ref) error {
	var id web.Check
	id.Text("subject", subject.ID, 1, maxRef)
	if !typeName.MatchString(subject.Type) || id.Err() != nil {
		return web.Invalid(web.Field{Field: "subject", Code: "form", Message: "Name the subject as type:id, such as user:usr_…"})
	}
	return nil
}

// erase deletes in chunks; the last one records what was done.
func (s *System) erase(ctx context.Context, e erasure, replayed bool) (total int, err error) {
	for {
		n, err := store.Write(ctx, s.DB, func(tx *store.Tx) (int, error) {
			n, err := deleteDisclosures(tx, e.Subject, e.At, eraseChunk)
			if err != nil || n == eraseChunk || total+n == 0 {
				return n, err
			}
			details := map[string]any{"disclosures": total + n}
			if replayed {
				details["replayed"] = true
			}
			// Whoever erases himself must not come back with the event about it.
			subject := ParseRef(e.Subject)
			return n, s.Record(tx, Event{Action: actRedacted, Targets: []Ref{subject}, Details: details, spare: subject})
		})
		if err != nil {
			return total, fmt.Errorf("erase %s: %w", e.Subject, err)
		}
		if total += n; n < eraseChunk {
			return total, nil
		}
	}
}

// scrub takes what was erased out of the write-ahead log, too: the file itself
// was overwritten with zeros (PRAGMA secure_delete).
func (s *System) scrub(ctx context.Context) error {
	if s.Scrub == nil {
		return nil
	}
	if err := s.Scrub(ctx); err != nil {
		s.Logger.Warn("erased data may stand in the write-ahead log until it is next overwritten", "err", err)
	}
	return nil
}

// listErasure adds a line to the list in the first vault; Run brings it to the
// others.
func (s *System) listErasure(ctx context.Context, e erasure) error {
	s.erasing.Lock()
	defer s.erasing.Unlock()
	all, err := s.listed(ctx, s.Vaults[0])
	if err != nil {
		return fmt.Errorf("list the erasure: %w", err)
	}
	if err := keepErasures(ctx, s.Vaults[0], merge(all, []erasure{e})); err != nil {
		return fmt.Errorf("list the erasure: %w", err)
	}
	s.unshared.Store(true)
	return nil
}

func keepErasures(ctx context.Context, v Vault, all []erasure) error {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	for _, e := range all {
		if err := enc.Encode(e); err != nil {
			return err
		}
	}
	return v.Put(ctx, erasuresName, text.Bytes())
}

// ShareErasures brings the list to the vaults that are not on this machine.
func (s *System) ShareErasures(ctx context.Context) error {
	if !s.unshared.Load() {
		return nil
	}
	s.erasing.Lock()
	defer s.erasing.Unlock()
	all, err := s.listed(ctx, s.Vaults[0])
	if err != nil {
		return err
	}
	for _, v := range s.Vaults[1:] {
		there, err := s.listed(ctx, v)
		if err != nil {
			return err
		}
		if err := keepErasures(ctx, v, merge(there, all)); err != nil {
			return err
		}
	}
	s.unshared.Store(false)
	return nil
}

// listed is the list in one vault.
func (s *System) listed(ctx context.Context, v Vault) ([]erasure, error) {
	text, err := recall(ctx, v, erasuresName)
	if err != nil {
		return nil, err
	}
	var all []erasure
	for line := range bytes.Lines(text) {
		var e erasure
		if err := json.Unmarshal(line, &e); err != nil {
			return nil, fmt.Errorf("a line of %s: %w", erasuresName, err)
		}
		all = append(all, e)
	}
	return all, nil
}

// merge adds erasures to a list; of two for a subject the later stands.
func merge(all, more []erasure) []erasure {
	at := make(map[string]int, len(all))
	for i, e := range all {
		at[e.Subject] = i
	}
	for _, e := range more {
		i, known := at[e.Subject]
		if !known {
			i = len(all)
			at[e.Subject], all = i, append(all, e)
		}
		all[i].At = max(all[i].At, e.At)
	}
	return all
}

// replayErasures erases what a restore has brought back. A vault that cannot be
// read keeps nobody from starting, but is spoken of: it may list what is back.
func (s *System) replayErasures(ctx context.Context) error {
	var all []erasure
	for _, v := range s.memory(ctx) {
		some, err := s.listed(ctx, v)
		if err != nil {
			s.Logger.Error("a list of erasures cannot be read: if this database was restored, erased data may be back", "err", err)
			continue
		}
		all = merge(all, some)
	}
	if len(all) == 0 {
		return nil
	}
	if err := keepErasures(ctx, s.Vaults[0], all); err != nil {
		return err
	}
	s.unshared.Store(true)
	back, err := store.Read(ctx, s.DB, func(tx *store.Tx) ([]erasure, error) { return thoseBack(tx, all) })
	if err != nil {
		return err
	}
	total := 0
	for _, e := range back {
		n, err := s.erase(ctx, e, true)
		if err != nil {
			return err
		}
		total += n
	}
	if total > 0 {
		s.Logger.Warn("personal data that had been erased was back and is erased again", "disclosures", total)
		return s.scrub(ctx)
	}
	return nil
}
