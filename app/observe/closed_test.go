package observe

import (
	"errors"
	"testing"

	"seaworthy/store"
)

// Files that failed and were closed take nothing until they are opened anew, and nobody
// falls over them meanwhile.
func TestClosedFilesTakeNothing(t *testing.T) {
	t.Parallel()
	s := New(Options{Folder: t.TempDir()})
	if err := s.files.ready(s.now()); err != nil {
		t.Fatal(err)
	}
	if err := s.files.close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.files.append([]Line{{}}, nil); !errors.Is(err, errShut) {
		t.Errorf("got %v", err)
	}
	if err := s.files.turn(store.ErrFull, true); !errors.Is(err, errShut) {
		t.Errorf("got %v", err)
	}
	if s.files.usable() {
		t.Error("they are said to be open")
	}
	if err := s.files.ready(s.now()); err != nil || !s.files.usable() {
		t.Errorf("they are not opened anew: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
