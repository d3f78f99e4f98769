// Command seaworthy brings an app from demo-ready to seaworthy: sign-in, billing,
// jobs, mail, flags, audit and observability, in one file.
package main

import (
	"os"

	"seaworthy/app/command"
)

// version is set at build time with -ldflags "-X main.version=1.2.3".
var version = ""

func main() {
	os.Exit(command.Run(version, os.Args[1:]))
}
