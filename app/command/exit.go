package command

import (
	"errors"
	"fmt"
	"os"

	"seaworthy/app/config"
	"seaworthy/app/ops"
	"seaworthy/app/web"
	"seaworthy/store"
)

// Exit codes, after sysexits.h where it has one. Those of doctor are in package launch.
const (
	exitFailed   = 1
	exitUsage    = 2
	exitSchema   = 65 // the database was written by a newer release
	exitInUse    = 75 // another process has the database; try again later
	exitBadSetup = 78 // the configuration is refused
)

// fail says what went wrong in words for a person, and returns the exit code.
func fail(err error) int {
	var (
		faults *config.FaultError
		newer  *store.NewerSchemaError
		inUse  *store.InUseError
		public *web.Error
		unwell *ops.UnwellError
	)
	switch {
	case errors.As(err, &unwell):
		return unwell.Score.Exit() // the report has told
	case errors.As(err, &faults):
		fmt.Fprintln(os.Stderr, "seaworthy cannot start with this configuration:")
		for _, f := range faults.Faults {
			fmt.Fprintln(os.Stderr, "  - "+f)
		}
		return exitBadSetup
	case errors.As(err, &newer):
		fmt.Fprintln(os.Stderr, "seaworthy:", newer)
		return exitSchema
	case errors.As(err, &inUse):
		fmt.Fprintln(os.Stderr, "seaworthy:", err)
		return exitInUse
	case errors.As(err, &public) && len(public.Fields) > 0:
		for _, f := range public.Fields {
			fmt.Fprintf(os.Stderr, "seaworthy: %s: %s\n", f.Field, f.Message)
		}
		return exitFailed
	}
	fmt.Fprintln(os.Stderr, "seaworthy:", err)
	return exitFailed
}
