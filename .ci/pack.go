//go:build ignore

// Packs what a release embeds in another form than the module has it:
// go run .ci/pack.go SOURCE ASSETS
// Quality 11 of the source would save 2 % and take three times as long.
package main

import (
	"fmt"
	"io"
	"os"

	"seaworthy/app/observe/source/pack"
)

func main() {
	err := write(os.Args[1], func(w io.Writer) error { return pack.Pack(w, os.DirFS("."), 10) })
	if err == nil {
		err = write(os.Args[2], func(w io.Writer) error { return pack.Assets(w, os.DirFS("assets")) })
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func write(name string, content func(io.Writer) error) error {
	out, err := os.Create(name)
	if err != nil {
		return err
	}
	if err := content(out); err != nil {
		return err
	}
	return out.Close()
}
