// Package faults holds the process-level fault suite: it builds the real binary,
// runs it as a child, breaks something (kill -9, a full disk, a failed fsync, a
// foreign lock), and then reads what is in the file. The rule it checks is
// DESIGN section 2: a sign-up that was acknowledged is there whole, and one that
// was not is there whole or not at all.
//
// The tests are behind a build tag, because they take minutes and need Linux:
//
//	go test -tags faults ./app/apptest/faults/ -kills 20
//
// Some need strace (ptrace permitted) or the right to mount a tmpfs, which
// "unshare -rm go test ..." gives to people who are not root. A test whose tool
// is missing is skipped, and fails when CI=true.
package faults
