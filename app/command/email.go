package command

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"seaworthy/app/config"
	"seaworthy/app/email/post"
)

type emailCmd struct {
	DKIM emailDKIMCmd `cmd:"" name:"dkim" help:"Make a key that signs mail sent by SMTP, and print its DNS record. For a selector that has one, print the record again."`
}

type emailDKIMCmd struct {
	Data     string `name:"data" var:"SEAWORTHY_DATA" default:"data" help:"Folder of the data; the key is made in its folder keys."`
	MailFrom string `name:"mail-from" var:"SEAWORTHY_MAIL_FROM" hidden:""`
	Domain   string `placeholder:"DOMAIN" help:"Domain that signs. Default: that of $$SEAWORTHY_MAIL_FROM."`
	Selector string `default:"s1" help:"Name of the key in the DNS. To change the key take another: a selector's key is never replaced."`
	Type     string `enum:"rsa,ed25519" default:"rsa" help:"rsa, which all receivers know, or ed25519, which may sign beside it."`
}

// Run works beside a server that runs: nothing but the key's file is touched.
func (c *emailDKIMCmd) Run() error {
	domain, err := config.MailDomain(c.Domain, c.MailFrom)
	if err != nil {
		return fmt.Errorf("name the domain that signs with --domain: %w", err)
	}
	if !post.ValidSelector(c.Selector) {
		return fmt.Errorf("%q cannot be a selector: use small letters, digits and dashes, as in s1", c.Selector)
	}
	path := post.KeyFile(filepath.Join(c.Data, "keys"), domain, c.Selector)
	private, err := post.MakeKey(c.Type, path)
	made := err == nil
	if errors.Is(err, fs.ErrExist) {
		private, err = post.LoadKey(path)
	}
	if err != nil {
		return fmt.Errorf("the key %s: %w", path, err)
	}
	record, err := post.RecordOf(domain, c.Selector, private.Public())
	if err != nil {
		return err
	}
	c.explain(path, made)
	// Apart, so that a script can take the record alone.
	_, err = fmt.Println(record.Zone())
	return err
}

// explain says what to do with the record, and how a key is changed.
func (c *emailDKIMCmd) explain(path string, made bool) {
	say := func(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
	if made {
		say("Made the key %s. Keep a copy where you keep the master key.", path)
	} else {
		say("The key %s is there already; this is its record.", path)
	}
	say("1. Put the record below into the DNS. Where a form asks for the value, join the quoted parts without the quotes.")
	say("2. When it can be looked up, add %s to SEAWORTHY_DKIM_SELECTORS and restart.", c.Selector)
	say("To change a key: make one with another selector, do 1 and 2 with it in the place of the old one, and take")
	say("the old record out of the DNS a week later: mail that is on its way was signed with the old key.")
	say("")
}
