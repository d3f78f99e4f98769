package command

import (
	"context"
	"fmt"
	"net/url"
	"os"

	"seaworthy/app"
	"seaworthy/app/apply"
	"seaworthy/app/manifest"
)

type applyCmd struct {
	jobsPlace `embed:""`
	File      string `arg:"" help:"The file, as seaworthy.yml; - for what is piped in."`
	DryRun    bool   `help:"Only say what would change."`
	JSON      bool   `name:"json" help:"For programs, as the API answers."`
}

// Run makes an installation what a file says.
func (c *applyCmd) Run(ctx context.Context, v release) error {
	raw, err := apply.ReadFile(c.File)
	if err != nil {
		return err
	}
	var out apply.Result
	if c.URL != "" {
		r, err := c.remoteRoot(v)
		if err != nil {
			return err
		}
		path := "apply"
		if c.DryRun {
			path += "?dry_run=true"
		}
		err = r.send(ctx, "POST", path, "application/yaml", raw, &out)
		if err != nil {
			return inWords(err, "installation")
		}
	} else if err := folder(c.Data).changeApp(ctx, v, func(a *app.App) (err error) {
		out, err = a.Apply.Apply(ctx, raw, apply.Options{Trial: c.DryRun})
		return err
	}); err != nil {
		return inWords(err, "installation")
	}
	if c.JSON {
		return inJSON(out)
	}
	return told(out)
}

// told prints what came of a file, in the words of a diff.
func told(out apply.Result) error {
	section := ""
	for _, c := range out.Changes {
		if c.Section != section {
			section = c.Section
			fmt.Println(plain(section))
		}
		mark, known := map[string]string{manifest.Created: "+", manifest.Removed: "-"}[c.Act]
		if !known {
			mark = "~"
		}
		fmt.Printf("  %s %s\n", mark, plain(c.String()))
	}
	for _, w := range out.Warnings {
		fmt.Println("warning:", plain(w))
	}
	n := fmt.Sprintf("%d changes", len(out.Changes))
	switch len(out.Changes) {
	case 0:
		n = "Nothing to change"
	case 1:
		n = "1 change"
	}
	if out.Trial && len(out.Changes) > 0 {
		n += ", none of which was made (--dry-run)"
	}
	_, err := fmt.Println(n)
	return err
}

type exportCmd struct {
	jobsPlace `embed:""`
	Section   []string `placeholder:"NAME" help:"Only this section, as plans; give it once for each. All without it."`
}

// Run prints the present state as a file.
func (c *exportCmd) Run(ctx context.Context, v release) (err error) {
	var raw []byte
	if c.URL != "" {
		r, err := c.remoteRoot(v)
		if err != nil {
			return err
		}
		if err := r.send(ctx, "GET", "export?"+url.Values{"section": c.Section}.Encode(), "", nil, &raw); err != nil {
			return inWords(err, "installation")
		}
	} else if err := folder(c.Data).changeApp(ctx, v, func(a *app.App) (err error) {
		raw, err = a.Apply.Export(ctx, c.Section)
		return err
	}); err != nil {
		return inWords(err, "installation")
	}
	_, err = os.Stdout.Write(raw)
	return err
}
