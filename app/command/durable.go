package command

import (
	"errors"
	"os"
)

// writeDurably writes a file that is whole on the disk when it returns.
func writeDurably(path string, text []byte, mode os.FileMode) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	// The mask of the process must not decide who can run a binary.
	return errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
}
