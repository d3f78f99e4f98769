package audit

import (
	"fmt"
	"strings"

	"seaworthy/app/audit/merkle"
	"seaworthy/store"
)

// hostOf is the address part of an origin's name.
func hostOf(name string) string {
	host, _, _ := strings.Cut(name, "/-/")
	return host
}

// tileReader reads the tiles of an origin's first size events.
func tileReader(tx *store.Tx, o origin, size int64) merkle.Reader {
	return func(at merkle.At) ([]byte, error) { return readTile(tx, o, size, at) }
}

// readTile is a full tile as it is kept, or the beginning of one from the hashes
// it is made of.
func readTile(tx *store.Tx, o origin, size int64, at merkle.At) ([]byte, error) {
	whole := merkle.Whole(size, at.Level, at.N)
	if at.Width > whole {
		return nil, store.ErrNotFound
	}
	if whole == merkle.Width {
		hashes, err := selectTile(tx, o.gen, at.Level, at.N)
		if err != nil {
			return nil, err
		}
		if len(hashes) != merkle.Width*32 {
			return nil, fmt.Errorf("tile %s is not whole", at.Path())
		}
		return hashes[:at.Width*32], nil
	}
	from := at.N * merkle.Width
	hashes, err := edgeHashes(tx, o, at.Level, from, from+int64(at.Width))
	if err == nil && len(hashes) != at.Width {
		err = errGap
	}
	return merkle.Bytes(hashes), err
}

// readEntries is a bundle of bodies; store.ErrNotFound when retention has
// dropped one of them.
func readEntries(tx *store.Tx, o origin, at merkle.At) ([]byte, error) {
	from := o.first + at.N*merkle.Width
	bodies, err := selectBodies(tx, from, from+int64(at.Width))
	if err != nil {
		return nil, err
	}
	if len(bodies) != at.Width {
		return nil, store.ErrNotFound
	}
	for _, b := range bodies {
		if b == nil {
			return nil, errDropped
		}
	}
	return merkle.Bundle(bodies)
}
