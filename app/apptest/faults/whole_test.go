//go:build faults

package faults

import (
	"database/sql"
	"fmt"
	"testing"

	"seaworthy/app/audit/verify"
)

// rules are queries that find nothing in a sound database. Each row they return
// is a sentence about what is wrong.
var rules = []struct{ name, query string }{
	{"integrity", `SELECT integrity_check FROM pragma_integrity_check WHERE integrity_check <> 'ok'`},
	{"foreign keys", `SELECT "table" || ' ' || rowid FROM pragma_foreign_key_check`},

	// A sign-up is one transaction: every user has each of its rows exactly once.
	{"user without its address", one("auth_email e WHERE e.user_id = u.id AND e.is_primary = 1")},
	{"user without a personal org", one("auth_org o WHERE o.personal_user_id = u.id")},
	{"user outside of the personal org", one("auth_membership m JOIN auth_org o ON o.id = m.org_id WHERE m.user_id = u.id AND o.personal_user_id = u.id")},
	{"user who does not own the org", one("auth_role_binding b JOIN auth_org o ON o.id = b.org_id WHERE b.principal_id = u.id AND b.role_id = 'rol_owner' AND o.personal_user_id = u.id")},
	{"user without a session", one("auth_session s WHERE s.user_id = u.id")},
	{"user without a device", one("auth_device d WHERE d.user_id = u.id")},
	{"user without a link to verify", one("auth_one_time t WHERE t.user_id = u.id")},
	{"user without the audit event", one("audit_event e JOIN audit_target t ON t.seq = e.seq WHERE e.action = 'user.signed_up' AND t.target = 'user:' || u.id")},
	{"user without a message", one("email_message m WHERE m.user_id = u.id AND m.template = 'auth/verify'")},
	{"message without its job", `SELECT m.id FROM email_message m WHERE 1 <> (SELECT count(*) FROM queue_job j
		WHERE j.kind = 'email.deliver' AND json_extract(CAST(j.args AS TEXT), '$.message') = m.id)`},

	// The other way round: nothing of a sign-up without its user.
	{"sign-up event without a user", `SELECT e.seq FROM audit_event e WHERE e.action = 'user.signed_up'
		AND NOT EXISTS (SELECT 1 FROM auth_user u JOIN audit_target t ON t.target = 'user:' || u.id WHERE t.seq = e.seq)`},
	{"message without a user", `SELECT m.id FROM email_message m WHERE NOT EXISTS (SELECT 1 FROM auth_user u WHERE u.id = m.user_id)`},
	{"org without a user", `SELECT o.id FROM auth_org o WHERE NOT EXISTS (SELECT 1 FROM auth_user u WHERE u.id = o.personal_user_id)`},
	{"job without a message", `SELECT j.id FROM queue_job j WHERE j.kind = 'email.deliver' AND NOT EXISTS (SELECT 1 FROM email_message m
		WHERE m.id = json_extract(CAST(j.args AS TEXT), '$.message'))`},

	// A mail is sent, recorded and its job finished in one transaction, once.
	{"mail, job and inbox differ", `SELECT m.id || ' is ' || m.status || ', its job ' || j.state || ', in the inbox ' || n FROM (
		SELECT m.*, (SELECT count(*) FROM email_inbox i WHERE i.message_id = m.id) AS n FROM email_message m) m
		JOIN queue_job j ON j.kind = 'email.deliver' AND json_extract(CAST(j.args AS TEXT), '$.message') = m.id
		WHERE CASE WHEN m.status = 'sent' THEN j.state <> 'completed' OR n <> 1 AND NOT (n = 0 AND ` + madeWay + `)
			ELSE m.status <> 'queued' OR j.state IN ('completed', 'dead', 'cancelled') OR n <> 0 END`},
	{"mails sent and events about it", `SELECT 'sent ' || s || ', recorded ' || e FROM (SELECT (SELECT count(*) FROM email_message WHERE status = 'sent') AS s,
		(SELECT count(*) FROM audit_event WHERE action = 'email.sent') AS e) WHERE s <> e`},

	// spec/jobs.md section 5.
	{"job without its row in goqite", `SELECT j.id || ' ' || j.state FROM queue_job j LEFT JOIN goqite g ON g.id = j.msg_id
		WHERE (j.state IN ('available', 'running')) <> (g.id IS NOT NULL)`},
	{"row in goqite without its job", `SELECT g.id FROM goqite g LEFT JOIN queue_job j ON j.msg_id = g.id AND j.id = CAST(g.body AS TEXT) WHERE j.id IS NULL`},
	{"job that ended without an attempt", `SELECT j.id || ' ' || j.state FROM queue_job j WHERE j.state IN ('completed', 'dead', 'retryable')
		AND NOT EXISTS (SELECT 1 FROM queue_attempt a WHERE a.job_id = j.id)`},

	{"gap in the audit log", `SELECT n || ' events from ' || low || ' to ' || high FROM (SELECT count(*) AS n, coalesce(min(seq), 1) AS low, coalesce(max(seq), 0) AS high FROM audit_event) WHERE low <> 1 OR high <> n`},
	{"gap in an org's audit log", `SELECT org FROM audit_event WHERE org IS NOT NULL GROUP BY org HAVING min(org_seq) <> 1 OR max(org_seq) <> count(*)`},
}

// madeWay holds for a message m that the development inbox keeps no longer: it is full, and all
// that it has came later, or in the same millisecond.
const madeWay = `(SELECT count(*) >= 2000 AND min(received_at) >= m.sent_at FROM email_inbox)`

// one finds the users who do not have exactly one such row.
func one(what string) string {
	return "SELECT u.id FROM auth_user u WHERE 1 <> (SELECT count(*) FROM " + what + ")"
}

// broken names the rules that a database breaks, with an example of each.
func broken(t *testing.T, db *sql.DB) map[string]string {
	t.Helper()
	// The file is a copy of ours; without these, thousands of sign-ups take minutes.
	_, err := db.Exec(`CREATE INDEX IF NOT EXISTS faults_job ON queue_job (json_extract(CAST(args AS TEXT), '$.message'));
		CREATE INDEX IF NOT EXISTS faults_inbox ON email_inbox (message_id);
		CREATE INDEX IF NOT EXISTS faults_role ON auth_role_binding (principal_id);
		CREATE INDEX IF NOT EXISTS faults_message ON email_message (user_id)`)
	must(t, err)
	all := map[string]string{}
	for _, r := range rules {
		if found := texts(t, db, r.query); len(found) > 0 {
			all[r.name] = fmt.Sprintf("%d times, first %q", len(found), found[0])
		}
	}
	if what := unverified(t, db); what != "" {
		all["audit log"] = what
	}
	return all
}

// unverified is what is wrong with the audit log, its tree and its checkpoints:
// after whatever happened, the root follows from the events.
func unverified(t *testing.T, db *sql.DB) string {
	t.Helper()
	path := texts(t, db, `SELECT file FROM pragma_database_list WHERE name = 'main'`)[0]
	r, err := verify.File(t.Context(), path, verify.Options{})
	must(t, err)
	if r.OK() {
		return ""
	}
	return fmt.Sprintf("event %d: %s", r.BadSeq, r.Problem)
}

// sound wants every rule kept and every acknowledged sign-up there.
func sound(t *testing.T, db *sql.DB, l *ledger) {
	t.Helper()
	for name, example := range broken(t, db) {
		t.Errorf("%s: %s", name, example)
	}
	for _, p := range l.acknowledged() {
		found := texts(t, db, `SELECT u.id FROM auth_user u JOIN auth_email e ON e.user_id = u.id JOIN auth_session s ON s.user_id = u.id
			WHERE u.id = ? AND e.email = ? AND s.id = ?`, p.user, p.email, p.session)
		if len(found) != 1 {
			t.Errorf("LOST: the sign-up of %s was acknowledged as %s and is not there", p.email, p.user)
		}
	}
}

// absent wants nothing of the sign-ups that were told nothing was saved.
func absent(t *testing.T, db *sql.DB, l *ledger) {
	t.Helper()
	for _, r := range l.refusals() {
		if r.code() == "outcome_unknown" {
			continue // its fsync failed: it is there whole, which sound checks, or not at all
		}
		if n := texts(t, db, `SELECT user_id FROM auth_email WHERE email = ?`, r.email); len(n) > 0 {
			t.Errorf("the sign-up of %s was refused (%s) and is there all the same", r.email, r.answer)
		}
	}
}

// sent wants every mail to have left.
func sent(t *testing.T, db *sql.DB) {
	t.Helper()
	if waiting := texts(t, db, `SELECT id FROM email_message WHERE status <> 'sent'`); len(waiting) > 0 {
		t.Errorf("%d mails were not sent", len(waiting))
	}
}
