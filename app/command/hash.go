package command

import (
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"seaworthy/app/auth/argon"
)

// hashWord is the command with which a server starts the process that hashes
// passwords for it; no person needs it.
const hashWord = "hash-passwords"

// hashCommand is this program as that process. On Linux it is the file that runs,
// also after another was put in its place.
func hashCommand() []string {
	if runtime.GOOS == "linux" {
		return []string{"/proc/self/exe", hashWord}
	}
	self, err := os.Executable()
	if err != nil {
		return nil
	}
	return []string{self, hashWord}
}

// serveHashes ends when the server closes its input, and not by the signals that
// reach all processes of a terminal or a service: people still sign in while the
// server drains.
func serveHashes() int {
	signal.Ignore(syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	if err := argon.Serve(os.Stdin, os.Stdout); err != nil {
		return fail(err)
	}
	return 0
}
