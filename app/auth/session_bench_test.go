package auth_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"testing"

	"seaworthy/app/apptest"
	"seaworthy/app/web"
	"seaworthy/store"
)

// BenchmarkSessionLookup is what a session cookie costs a request before its
// handler: the row among a hundred thousand, its user, his permissions.
func BenchmarkSessionLookup(b *testing.B) {
	const rows = 100_000
	a := apptest.New(b)
	a.SignUp("ada@example.com")
	columns := `user_id, kind, client_id, device_id, org_id, refresh_gen, child_seen, aal, amr, auth_time, scopes, ip, ua, created_at, last_seen_at, idle_exp, abs_exp, epoch`
	cookie := func(i int) string { return fmt.Sprintf("%043d", i) }
	for from := 0; from < rows; from += 500 {
		a.Must(a.DB.Write(b.Context(), func(tx *store.Tx) error {
			for i := from; i < from+500; i++ {
				hash := sha256.Sum256([]byte(cookie(i)))
				if _, err := tx.Exec(`INSERT INTO auth_session (id, token_hash, `+columns+`) SELECT ?, ?, `+columns+` FROM auth_session WHERE id NOT LIKE 'ses_b%' LIMIT 1`,
					fmt.Sprintf("ses_b%025d", i), hash[:]); err != nil {
					return err
				}
			}
			return nil
		}))
	}
	// As in a server that has run for a while: the log is in the file.
	a.Must(a.DB.Checkpoint(b.Context()))
	for i := 0; b.Loop(); i++ {
		ctx := web.WithOrigin(context.Background(), &web.Origin{})
		if !a.Auth.Looked(ctx, cookie(i*7919%rows)) {
			b.Fatal("the session is not found")
		}
	}
}
