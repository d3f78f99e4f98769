package auth

import "seaworthy/store"

// endedRow is one that ended long ago.
type endedRow struct {
	id   string
	end  int64
	goes bool // nobody needs it any more
}

func scanEnded(r store.Scanner) (e endedRow, err error) { return e, r.Scan(&e.id, &e.end, &e.goes) }

// endedSessions are those whose absolute end lies within two times, the earliest first. One
// goes if its user was seen later in another, and nothing hangs off it.
func endedSessions(tx *store.Tx, from, before int64, limit int) ([]endedRow, error) {
	return store.All(tx, scanEnded,
		`SELECT s.id, s.abs_exp, EXISTS (SELECT n.id FROM auth_session n WHERE n.user_id = s.user_id AND n.last_seen_at > s.last_seen_at AND n.impersonator_id IS NULL)
			AND NOT EXISTS (SELECT x.id FROM auth_session x WHERE x.own_session_id = s.id)
			AND NOT EXISTS (SELECT t.hash FROM auth_one_time t WHERE t.session_id = s.id)
		FROM auth_session s WHERE s.abs_exp >= ? AND s.abs_exp < ? ORDER BY s.abs_exp LIMIT ?`, from, before, limit)
}

func deleteSession(tx *store.Tx, id string) error {
	_, err := tx.Exec(`DELETE FROM auth_session WHERE id = ?`, id)
	return err
}

// unknownDevices are those that were last seen within two times, the earliest first. One goes
// if its user was seen later on another, and no session speaks of it.
func unknownDevices(tx *store.Tx, from, before int64, limit int) ([]endedRow, error) {
	return store.All(tx, scanEnded,
		`SELECT d.id, d.last_seen_at, EXISTS (SELECT n.id FROM auth_device n WHERE n.user_id = d.user_id AND n.last_seen_at > d.last_seen_at)
			AND NOT EXISTS (SELECT s.id FROM auth_session s WHERE s.device_id = d.id)
		FROM auth_device d WHERE d.last_seen_at >= ? AND d.last_seen_at < ? ORDER BY d.last_seen_at LIMIT ?`, from, before, limit)
}

// deleteDevice drops one that no session speaks of, by now either.
func deleteDevice(tx *store.Tx, id string) error {
	_, err := tx.Exec(`DELETE FROM auth_device WHERE id = ? AND NOT EXISTS (SELECT s.id FROM auth_session s WHERE s.device_id = auth_device.id)`, id)
	return err
}

// deleteInvitations drops those that ended long ago, the oldest first, and returns how many.
func deleteInvitations(tx *store.Tx, before int64, most int) (int64, error) {
	return tx.Exec(`DELETE FROM auth_invitation WHERE id IN (SELECT id FROM auth_invitation WHERE ended_at IS NOT NULL AND ended_at < ? ORDER BY ended_at LIMIT ?)`, before, most)
}

// deleteOneTime drops tokens that ended long ago, the oldest first, and returns how many.
func deleteOneTime(tx *store.Tx, before int64, most int) (int64, error) {
	return tx.Exec(`DELETE FROM auth_one_time WHERE hash IN (SELECT hash FROM auth_one_time WHERE exp < ? ORDER BY exp LIMIT ?)`, before, most)
}
