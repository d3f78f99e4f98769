//go:build faults

package faults

import "testing"

// sabotage breaks each rule in a copy of a sound database.
var sabotage = map[string]string{
	"integrity": `PRAGMA writable_schema = ON; UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE name = 'auth_org_slug')
		WHERE name = 'auth_email_norm'; PRAGMA writable_schema = RESET`,
	"foreign keys":                      `UPDATE auth_session SET device_id = 'dev_none'`,
	"user without its address":          `DELETE FROM auth_email WHERE rowid = 1`,
	"user without a personal org":       `DELETE FROM auth_org WHERE rowid = 1`,
	"user outside of the personal org":  `DELETE FROM auth_membership WHERE rowid = 1`,
	"user who does not own the org":     `DELETE FROM auth_role_binding WHERE rowid = 1`,
	"user without a session":            `DELETE FROM auth_session WHERE rowid = 1`,
	"user without a device":             `DELETE FROM auth_device WHERE rowid = 1`,
	"user without a link to verify":     `DELETE FROM auth_one_time WHERE user_id IS NOT NULL`,
	"user without the audit event":      `DELETE FROM audit_event WHERE action = 'user.signed_up'`,
	"user without a message":            `DELETE FROM email_message WHERE rowid = 1`,
	"message without its job":           `DELETE FROM queue_job WHERE id = (SELECT min(id) FROM queue_job WHERE kind = 'email.deliver')`,
	"sign-up event without a user":      `DELETE FROM auth_user WHERE rowid = 1`,
	"message without a user":            `DELETE FROM auth_user WHERE rowid = 1`,
	"org without a user":                `DELETE FROM auth_user WHERE rowid = 1`,
	"job without a message":             `DELETE FROM email_message WHERE rowid = 1`,
	"mail, job and inbox differ":        `DELETE FROM email_inbox WHERE rowid = 1`,
	"mails sent and events about it":    `DELETE FROM audit_event WHERE action = 'email.sent' AND seq = (SELECT max(seq) FROM audit_event)`,
	"job without its row in goqite":     `UPDATE queue_job SET state = 'available', msg_id = 'm_none' WHERE rowid = 1`,
	"row in goqite without its job":     `INSERT INTO goqite (queue, body) VALUES ('mail', x'00')`,
	"job that ended without an attempt": `DELETE FROM queue_attempt`,
	"gap in the audit log":              `DELETE FROM audit_event WHERE seq = 2`,
	"gap in an org's audit log":         `UPDATE audit_event SET org_seq = 2 WHERE org IS NOT NULL`,
	"audit log":                         `UPDATE audit_head SET root = zeroblob(32)`,
}

// TestRules breaks each rule, because a rule that cannot be broken checks nothing.
func TestRules(t *testing.T) {
	t.Parallel()
	data, l := newData(t), &ledger{}
	c := serve(t, data)
	l.signUp(c)
	l.signUp(c)
	c.delivered(l.acknowledged())
	c.stop()
	if all := broken(t, snapshot(t, data)); len(all) > 0 {
		t.Fatalf("broken from the start: %v", all)
	}
	for _, r := range rules {
		if sabotage[r.name] == "" {
			t.Errorf("nothing breaks the rule %q", r.name)
		}
	}
	for name, statements := range sabotage {
		db := snapshot(t, data)
		for _, trigger := range texts(t, db, `SELECT name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = 'audit_event'`) {
			_, err := db.Exec(`DROP TRIGGER ` + trigger)
			must(t, err)
		}
		if _, err := db.Exec(statements); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if broken(t, db)[name] == "" {
			t.Errorf("%s: broken, and nobody noticed", name)
		}
	}
}
