//go:build !linux

package replica

// renameNew moves a file to a name that must not exist yet.
func renameNew(from, to string) error { return linkNew(from, to) }
