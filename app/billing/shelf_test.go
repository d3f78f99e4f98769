package billing

import (
	"testing"

	"seaworthy/store"
)

// What was read before a commit that changed it, or in a write that may be rolled back,
// is not remembered.
func TestEntitlementsThatAreOutOfDateAreNotRemembered(t *testing.T) {
	t.Parallel()
	db, err := store.Open(t.TempDir()+"/a.db", store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	s := &System{Deps: Deps{DB: db}}
	remembered := func(tx *store.Tx) bool {
		s.shelf.put("org_1", &Entitlements{Org: "org_1"}, tx.Sees())
		return s.shelf.get("org_1") != nil
	}
	if err := db.Write(t.Context(), func(tx *store.Tx) error {
		if remembered(tx) {
			t.Error("a write's findings were remembered")
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := db.Read(t.Context(), func(tx *store.Tx) error {
		changed := make(chan error)
		go func() {
			changed <- db.Write(t.Context(), func(tx *store.Tx) error { s.forget(tx, "org_1"); return nil })
		}()
		if err := <-changed; err != nil {
			return err
		}
		if remembered(tx) {
			t.Error("a read from before the change was remembered")
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := db.Read(t.Context(), func(tx *store.Tx) error {
		if !remembered(tx) {
			t.Error("a read from after the change was not remembered")
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}
