package command

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"seaworthy/app/ops"
)

type keysCmd struct {
	Export keysExportCmd `cmd:"" help:"Write a recovery kit: the keys of this installation, encrypted, for a safe place elsewhere."`
	Check  keysCheckCmd  `cmd:"" help:"Open a recovery kit and compare it with the keys that are in use."`
	Import keysImportCmd `cmd:"" help:"Put the keys of a recovery kit into a data folder that has none."`
}

type keysExportCmd struct {
	Data      string   `help:"Data folder. ($$SEAWORTHY_DATA)" env:"SEAWORTHY_DATA" default:"data"`
	File      string   `arg:"" help:"File to write; it must not exist."`
	Recipient []string `help:"Encrypt to this recipient of age (age1...) instead of a new passphrase; may be given more than once."`
}

func (c *keysExportCmd) Run() error {
	f, err := os.OpenFile(c.File, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("file of the kit: %w", err)
	}
	defer f.Close()
	passphrase, err := ops.ExportKeys(c.Data, c.Recipient, time.Now(), f)
	if err != nil {
		os.Remove(c.File)
		return err
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("write the kit: %w", err)
	}
	fmt.Printf("The recovery kit is in %s. Keep it away from this machine and from the backups of its database.\n", c.File)
	if passphrase != "" {
		fmt.Printf("Its passphrase, shown this once; keep it elsewhere than the kit:\n\n  %s\n\n", passphrase)
	}
	fmt.Printf("Try it: seaworthy keys check %s\n", c.File)
	return nil
}

// opener is how a kit is opened.
type opener struct {
	Data     string `help:"Data folder. ($$SEAWORTHY_DATA)" env:"SEAWORTHY_DATA" default:"data"`
	File     string `arg:"" help:"The recovery kit."`
	Identity string `help:"Identity file of age, for a kit that was made for a recipient. Without it the passphrase is read from SEAWORTHY_KIT_PASSPHRASE or from standard input." placeholder:"FILE"`
}

func (o opener) open() (*os.File, ops.Identity, error) {
	f, err := os.Open(o.File)
	if err != nil {
		return nil, ops.Identity{}, err
	}
	if o.Identity != "" {
		text, err := os.ReadFile(o.Identity)
		if err != nil {
			f.Close()
		}
		return f, ops.Identity{File: string(text)}, err
	}
	if p := os.Getenv("SEAWORTHY_KIT_PASSPHRASE"); p != "" {
		return f, ops.Identity{Passphrase: p}, nil
	}
	fmt.Fprint(os.Stderr, "Passphrase of the kit: ")
	line, err := bufio.NewReader(io.LimitReader(os.Stdin, 1<<10)).ReadString('\n')
	if err != nil && line == "" {
		f.Close()
		return nil, ops.Identity{}, fmt.Errorf("read the passphrase: %w", err)
	}
	return f, ops.Identity{Passphrase: strings.TrimSpace(line)}, nil
}

type keysCheckCmd struct {
	opener `embed:""`
}

func (c *keysCheckCmd) Run() error {
	f, with, err := c.open()
	if err != nil {
		return err
	}
	defer f.Close()
	if err := ops.CheckKit(c.Data, f, with); err != nil {
		return err
	}
	fmt.Println("The kit opens and has the keys that are in use.")
	return nil
}

type keysImportCmd struct {
	opener `embed:""`
}

func (c *keysImportCmd) Run() error {
	f, with, err := c.open()
	if err != nil {
		return err
	}
	defer f.Close()
	names, err := ops.ImportKeys(c.Data, f, with)
	if err != nil {
		return err
	}
	fmt.Printf("These keys are in place: %s\n", strings.Join(names, ", "))
	return nil
}
