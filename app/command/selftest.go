package command

import (
	"context"
	"fmt"

	"seaworthy/app"
)

type selfTestCmd struct{}

// Help implements kong.HelpProvider.
func (c *selfTestCmd) Help() string {
	return "A folder for temporary files is used and removed; the data folder, and everything outside of this process, is left alone. Exit code 0: all is well."
}

// Run tests this binary.
func (c *selfTestCmd) Run(ctx context.Context, v release) error {
	return app.SelfTest(ctx, app.Options{Version: v.String(), Hash: hashCommand(), Own: v.Own, Extend: v.Extend}, func(t app.Tried) {
		word := "ok"
		if t.Err != nil {
			word = "FAILED"
		}
		fmt.Printf("%-7s %6.1f ms  %s\n", word, float64(t.Took.Microseconds())/1e3, t.What)
	})
}
