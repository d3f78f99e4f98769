package auth

import "seaworthy/store"

// endedSession is one that ended long ago.
type endedSession struct {
	id   string
	end  int64 // the absolute one
	goes bool  // its user was seen later in another, and nothing hangs off it
}

// endedSessions are those whose absolute end lies within two times, the earliest first.
func endedSessions(tx *store.Tx, from, before int64, limit int) ([]endedSession, error) {
	return store.All(tx, func(r store.Scanner) (e endedSession, err error) { return e, r.Scan(&e.id, &e.end, &e.goes) },
		`SELECT s.id, s.abs_exp, EXISTS (SELECT n.id FROM auth_session n WHERE n.user_id = s.user_id AND n.last_seen_at > s.last_seen_at AND n.impersonator_id IS NULL)
			AND NOT EXISTS (SELECT x.id FROM auth_session x WHERE x.own_session_id = s.id)
			AND NOT EXISTS (SELECT t.hash FROM auth_one_time t WHERE t.session_id = s.id)
		FROM auth_session s WHERE s.abs_exp >= ? AND s.abs_exp < ? ORDER BY s.abs_exp LIMIT ?`, from, before, limit)
}

// deleteSessions drops those that go.
func deleteSessions(tx *store.Tx, all []endedSession) error {
	for _, e := range all {
		if !e.goes {
			continue
		}
		if _, err := tx.Exec(`DELETE FROM auth_session WHERE id = ?`, e.id); err != nil {
			return err
		}
	}
	return nil
}

// deleteOneTime drops tokens that ended long ago, the oldest first, and returns how many.
func deleteOneTime(tx *store.Tx, before int64, most int) (int64, error) {
	return tx.Exec(`DELETE FROM auth_one_time WHERE hash IN (SELECT hash FROM auth_one_time WHERE exp < ? ORDER BY exp LIMIT ?)`, before, most)
}
