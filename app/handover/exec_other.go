//go:build !linux

package handover

import "errors"

// Exec is for Linux alone.
func (s *Sockets) Exec(binary string, args, env []string) error {
	return errors.New("a process is replaced in place on Linux alone: restart it")
}
