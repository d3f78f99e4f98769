package ops

import (
	"fmt"
	"strings"
	"time"

	"seaworthy/app/handover"
	"seaworthy/app/launch"
)

// longStart is after how long a start that has not served looks like one that hangs.
const longStart = 10 * time.Minute

// binaryCheck says what became of the last binary that was started here: boot.json of the
// data folder knows.
func binaryCheck(data string, now time.Time) launch.Check {
	k := launch.Check{Key: "server.binary", System: "server", Title: "The binary that was installed last is the one that runs", Blocks: true,
		Why: "A release that could not start is not in use, nor is what it mends: the one before serves in its place.",
		Fix: "Mend the cause, 'touch' the new binary and reload the server; or put the old one back in its place with 'seaworthy upgrade --rollback'."}
	boot, err := handover.ReadBoot(data)
	switch {
	case err != nil:
		return k.Is(launch.Unknown, "It could not be found out: "+err.Error())
	case boot.Refused != (handover.Identity{}):
		return k.Is(launch.Todo, fmt.Sprintf("A new binary of %s could not start, and the old one goes on: %s", time.Unix(0, boot.Refused.Modified).UTC().Format("2 Jan 2006, 15:04 UTC"), sentence(boot.Why)))
	case boot.Attempt != nil && now.Sub(boot.Attempt.At) > longStart:
		k.Blocks = false
		k.Fix = "Look at the server's log: it may migrate a large database, or wait for the replica."
		return k.Is(launch.Warn, "A binary was started at "+boot.Attempt.At.UTC().Format("2 Jan 2006, 15:04 UTC")+" and has not served yet.")
	case boot.Served == (handover.Identity{}):
		return k.Is(launch.NotApplicable, "None has served here yet.")
	}
	return k.Is(launch.Done, "It is.")
}

// sentence is a reason as the end of a line.
func sentence(why string) string {
	why = strings.Join(strings.Fields(why), " ")
	if why == "" {
		return "nobody knows why."
	}
	return strings.TrimSuffix(why, ".") + "."
}
