package app_test

import (
	"os"
	"testing"

	"seaworthy/app/auth/argon"
)

// TestMain makes this program the process of its own that hashes passwords, too, and ends the
// browser that the tests share.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == "hash-passwords" {
		if err := argon.Serve(os.Stdin, os.Stdout); err != nil {
			os.Exit(1)
		}
		return
	}
	code := m.Run()
	theBrowser.close()
	os.Exit(code)
}
