package observe_test

import (
	"testing"

	"seaworthy/app/observe"
	"seaworthy/store"
)

func TestTransactionIsKeptAsSpans(t *testing.T) {
	t.Parallel()
	s := project(t, observe.ProjectChange{})
	now := s.a.Clock.Now()
	at := now.UTC().Format("2006-01-02T15:04:05Z")
	s.want(200, "{}\n"+`{"type":"transaction"}`+"\n"+`{"type":"transaction","transaction":"GET /cart","start_timestamp":"`+at+`","timestamp":"`+at+`","contexts":{"trace":{"trace_id":"5b8efff798038103d269b633813fc60c","span_id":"aaaaaaaaaaaaaaaa","op":"http.server","status":"ok"}},`+
		`"spans":[{"trace_id":"5b8efff798038103d269b633813fc60c","span_id":"bbbbbbbbbbbbbbbb","parent_span_id":"aaaaaaaaaaaaaaaa","start_timestamp":"`+at+`","timestamp":"`+at+`","op":"db","description":"SELECT 1","data":{"db.password":"canary-span-1"}}]}`)
	s.a.Observe.Flush()
	side, err := store.OpenSide(segments(t, s.a.Config.Data+"/telemetry")[0], store.SideOptions{Existing: true})
	s.a.Must(err)
	defer side.Close()
	var n int
	var parent, name, attrs string
	var ms int64
	s.a.Must(side.Read(t.Context(), func(tx *store.Tx) error {
		if err := tx.QueryRow(`SELECT count(seq) FROM observe_span WHERE trace = ?`, "5b8efff798038103d269b633813fc60c").Scan(&n); err != nil {
			return err
		}
		return tx.QueryRow(`SELECT parent, name, attrs, at FROM observe_span WHERE trace = ? AND span = ?`, "5b8efff798038103d269b633813fc60c", "bbbbbbbbbbbbbbbb").Scan(&parent, &name, &attrs, &ms)
	}))
	if n != 2 || parent != "aaaaaaaaaaaaaaaa" || name != "SELECT 1" || attrs != `{"db.password":"•••","project":"web"}` || ms != now.Truncate(1e9).UnixMilli() {
		t.Errorf("%d spans; one under %q: %q %s at %d, now %d", n, parent, name, attrs, ms, now.UnixMilli())
	}
}
