package replica

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
)

// Beside keeps small objects at the root of a replica, beside current.json and
// outside of every epoch: what must be known before a restored database is
// trusted, such as the largest audit checkpoint that was ever signed.
type Beside struct{ rep Replica }

// Beside is the place beside this replica's epochs.
func (c Config) Beside() Beside { return Beside{c.Replica} }

// Get returns an object, or fs.ErrNotExist.
func (b Beside) Get(ctx context.Context, name string) ([]byte, error) {
	r := openRoot(b.rep, callTimeout)
	defer r.close()
	data, _, err := r.get(ctx, name)
	return data, err
}

// Put creates or replaces an object.
func (b Beside) Put(ctx context.Context, name string, data []byte) error {
	r := openRoot(b.rep, callTimeout)
	defer r.close()
	_, tag, err := r.get(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		tag, err = "", nil
	}
	if err != nil {
		return fmt.Errorf("put %s beside the replica: %w", name, err)
	}
	if err := r.put(ctx, name, data, tag); err != nil {
		return fmt.Errorf("put %s beside the replica: %w", name, err)
	}
	return nil
}
