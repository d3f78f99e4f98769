package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"seaworthy/app/flags"
)

type flagsCmd struct {
	List   flagsListCmd   `cmd:"" help:"List flags by key."`
	Get    flagsGetCmd    `cmd:"" help:"Print a flag's definition, in flagd's format."`
	Set    flagsSetCmd    `cmd:"" help:"Make a flag or change it from a definition in flagd's format; or switch it on or off."`
	Kill   flagsKillCmd   `cmd:"" help:"Kill a flag, all flags with a tag, or all; or have them go by their rules again."`
	Import flagsImportCmd `cmd:"" help:"Take flags and segments from a file in flagd's format."`
	Export flagsExportCmd `cmd:"" help:"Print all flags and segments in flagd's format."`
}

// flagReader reads the flags of an installation, flagChanger changes them.
type flagReader interface {
	Flags(ctx context.Context, f flags.Filter) (flags.FlagPage, error)
	Flag(ctx context.Context, key string) (flags.FlagJSON, error)
	ExportFlags(ctx context.Context) ([]byte, error)
}

type flagChanger interface {
	SetFlag(ctx context.Context, key string, definition []byte, version int, comment string) (int, error)
	SwitchFlag(ctx context.Context, key, state, comment string) error
	KillFlag(ctx context.Context, key string, killed bool, why string) error
	KillFlags(ctx context.Context, all bool, tags []string, why string) error
	ImportFlags(ctx context.Context, raw []byte, trial bool) ([]flags.Imported, error)
}

type flagsListCmd struct {
	jobsPlace `embed:""`
	State     string `placeholder:"STATE" enum:",on,off,killed,faulty,archived" default:"" help:"Only those in a state: on, off, killed, faulty or archived."`
	Owner     string `help:"Only those of an owner."`
	Tag       string `help:"Only those with a tag."`
	Stale     bool   `help:"Only those that may be left over."`
	JSON      bool   `name:"json" help:"For programs, as the API answers."`
}

func (c *flagsListCmd) Run(ctx context.Context, v release) error {
	from, err := c.flags(v)
	if err != nil {
		return err
	}
	f := flags.Filter{State: flags.State(c.State), Owner: c.Owner, Tag: c.Tag, Stale: c.Stale, Limit: flags.MaxPage}
	all := []flags.FlagJSON{}
	for {
		page, err := from.Flags(ctx, f)
		if err != nil {
			return inWords(err, "installation")
		}
		all = append(all, page.Flags...)
		if f.After = page.Next; f.After == "" {
			break
		}
	}
	if c.JSON {
		return inJSON(map[string]any{"flags": all})
	}
	rows := [][]string{{"KEY", "STATE", "SERVES", "OWNER", "EVALUATED", "VERSION", "NOTE"}}
	for _, one := range all {
		d, _ := flags.ReadDefinition(string(one.Definition))
		rows = append(rows, []string{one.Key, string(one.State), d.Serves(), one.Owner, pointed(one.Evaluated), fmt.Sprint(one.Version), one.Stale})
	}
	return table(rows)
}

type flagsGetCmd struct {
	jobsPlace `embed:""`
	Key       string `arg:"" help:"Key of the flag."`
	JSON      bool   `name:"json" help:"With its version and all else, as the API answers."`
}

func (c *flagsGetCmd) Run(ctx context.Context, v release) error {
	from, err := c.flags(v)
	if err != nil {
		return err
	}
	f, err := from.Flag(ctx, c.Key)
	if err != nil {
		return inWords(err, "flag")
	}
	if c.JSON {
		return inJSON(f)
	}
	_, err = fmt.Println(flags.Pretty(string(f.Definition)))
	return err
}

type flagsSetCmd struct {
	jobsPlace `embed:""`
	Key       string `arg:"" help:"Key of the flag."`
	File      string `arg:"" optional:"" help:"File with its definition; - for what is piped in."`
	On        bool   `xor:"state" help:"Switch it on instead."`
	Off       bool   `xor:"state" help:"Switch it off instead."`
	Version   int    `default:"-1" help:"Only if the flag has this version; 0: only if there is none."`
	Comment   string `help:"For the history."`
}

// Validate refuses what could mean two things.
func (c *flagsSetCmd) Validate() error {
	if (c.File == "") == (!c.On && !c.Off) {
		return errors.New("give a file with the definition, or --on or --off")
	}
	return c.jobsPlace.Validate()
}

func (c *flagsSetCmd) Run(ctx context.Context, v release) error {
	if c.File == "" {
		state, word := "ENABLED", "on"
		if c.Off {
			state, word = "DISABLED", "off"
		}
		return c.changeFlags(ctx, v, func(to flagChanger) error {
			err := to.SwitchFlag(ctx, c.Key, state, c.Comment)
			if err == nil {
				fmt.Printf("%s is %s\n", c.Key, word)
			}
			return inWords(err, "flag")
		})
	}
	raw, err := given(c.File)
	if err != nil {
		return err
	}
	return c.changeFlags(ctx, v, func(to flagChanger) error {
		version, err := to.SetFlag(ctx, c.Key, raw, c.Version, c.Comment)
		if err == nil {
			fmt.Printf("%s has version %d\n", c.Key, version)
		}
		return inWords(err, "flag")
	})
}

// maxGiven bounds a file that is read, in bytes.
const maxGiven = 5 << 20

// given is the text of a file, or of what is piped in for "-". It must be JSON.
func given(path string) (raw []byte, err error) {
	in := os.Stdin
	if path != "-" {
		if in, err = os.Open(path); err != nil {
			return nil, err
		}
		defer in.Close()
	}
	if raw, err = io.ReadAll(io.LimitReader(in, maxGiven+1)); err != nil {
		return nil, err
	}
	switch {
	case len(raw) > maxGiven:
		return nil, fmt.Errorf("%s is larger than %d MB", path, maxGiven>>20)
	case !json.Valid(raw):
		return nil, fmt.Errorf("%s is not JSON", path)
	}
	return raw, nil
}

type flagsKillCmd struct {
	jobsPlace `embed:""`
	Key       string   `arg:"" optional:"" help:"Key of one flag."`
	All       bool     `help:"All flags but those that are exempt."`
	Tag       []string `help:"All flags with this tag; give it once for each."`
	Lift      bool     `help:"Have it, or all, go by its rules again."`
	Reason    string   `required:"" help:"Why, for the audit log."`
}

// Validate refuses what could mean two things.
func (c *flagsKillCmd) Validate() error {
	n := 0
	for _, is := range []bool{c.Key != "", c.All, len(c.Tag) > 0} {
		if is {
			n++
		}
	}
	if n > 1 || n == 0 && !c.Lift {
		return errors.New("give the key of a flag, --tag or --all; with --lift alone, the switch over many flags is lifted")
	}
	return c.jobsPlace.Validate()
}

func (c *flagsKillCmd) Run(ctx context.Context, v release) error {
	return c.changeFlags(ctx, v, func(to flagChanger) (err error) {
		what := "The switch over many flags is thrown"
		switch {
		case c.Key != "":
			what = c.Key + map[bool]string{true: " goes by its rules again", false: " is killed"}[c.Lift]
			err = to.KillFlag(ctx, c.Key, !c.Lift, c.Reason)
		case c.Lift:
			what = "The switch over many flags is lifted"
			err = to.KillFlags(ctx, false, nil, c.Reason)
		default:
			err = to.KillFlags(ctx, c.All, c.Tag, c.Reason)
		}
		if err == nil {
			fmt.Println(what)
		}
		return inWords(err, "flag")
	})
}

type flagsImportCmd struct {
	jobsPlace `embed:""`
	File      string `arg:"" help:"The file; - for what is piped in."`
	DryRun    bool   `help:"Only say what would change."`
}

func (c *flagsImportCmd) Run(ctx context.Context, v release) error {
	raw, err := given(c.File)
	if err != nil {
		return err
	}
	return c.changeFlags(ctx, v, func(to flagChanger) error {
		all, err := to.ImportFlags(ctx, raw, c.DryRun)
		if err != nil {
			return inWords(err, "installation")
		}
		rows := [][]string{{"NAME", "KIND", "ACT", "FAULT"}}
		for _, one := range all {
			rows = append(rows, []string{one.Name, one.Kind, one.Act, one.Fault})
		}
		return table(rows)
	})
}

type flagsExportCmd struct {
	jobsPlace `embed:""`
}

func (c *flagsExportCmd) Run(ctx context.Context, v release) error {
	from, err := c.flags(v)
	if err != nil {
		return err
	}
	raw, err := from.ExportFlags(ctx)
	if err != nil {
		return inWords(err, "installation")
	}
	_, err = fmt.Println(flags.Pretty(string(raw)))
	return err
}
