// Command seaworthy brings an app from demo-ready to seaworthy: sign-in, billing,
// jobs, mail, flags, audit and observability, in one file.
package main

import (
	"os"

	"seaworthy/app/command"
)

// version is set at build time with -ldflags "-X main.version=1.2.3".
var version = ""

// upgradeKeys are the public keys of minisign that releases are signed with; set in the same
// way. See command.Program.
var upgradeKeys = ""

func main() {
	os.Exit(command.Program{Version: version, UpgradeKeys: upgradeKeys}.Run(os.Args[1:]))
}
