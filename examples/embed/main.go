// Command embed is a guest book with Seaworthy inside: one binary, one database file,
// with all of Seaworthy's commands. README.md says what to run and what to see.
package main

import (
	"embed"
	"io/fs"
	"os"

	"seaworthy/app"
	"seaworthy/app/command"
)

//go:embed files
var embedded embed.FS

// files are the tables, pages and mails of the guest book.
func files() fs.FS {
	sub, err := fs.Sub(embedded, "files")
	if err != nil {
		panic(err) // the name is a constant
	}
	return sub
}

func main() {
	os.Exit(command.Program{Own: app.Own{Name: "guestbook", Files: files()}, Extend: extend}.Run(os.Args[1:]))
}
