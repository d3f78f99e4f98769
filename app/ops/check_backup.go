package ops

import (
	"path/filepath"
	"time"

	"seaworthy/app/config"
	"seaworthy/app/launch"
	"seaworthy/store"
	"seaworthy/store/replica"
)

const (
	keyFresh = "backups.fresh"
	keyLease = "backups.lease"

	drilledFor = 8 * 24 * time.Hour // how old the last good trial restore may be
	pageHere   = "/-/admin/backups"
)

// BackupChecks are what must be so before the loss of this machine is no loss of the business.
func BackupChecks(tx *store.Tx, c *config.Config) ([]launch.Check, error) {
	var place *replica.Config
	if c.Replica != "off" {
		found, err := replica.Find(c.Replica, c.Data)
		if err != nil {
			return nil, err
		}
		place = &found
	}
	drill, err := lastGood(tx, kindDrill)
	if err != nil {
		return nil, err
	}
	copied, err := lastGood(tx, kindCopy)
	if err != nil {
		return nil, err
	}
	signed := launch.Check{Key: "audit.elsewhere", System: "audit", Title: "Checkpoints of the audit log are kept elsewhere", Link: "/-/admin/audit",
		Why: "Whoever has the machine can write the log anew. A checkpoint that lies elsewhere shows that it was.", Fix: "Replicate to a bucket: checkpoints are kept beside it every hour."}
	away := place != nil && !place.Replica.Under(absolute(c.Data))
	return append(append(replicaChecks(c, place), drillCheck(place != nil, drill, tx.Now()), copyCheck(c, copied, tx.Now()), kitCheck(c)),
		signed.Holds(away, "Hourly beside the replica.", "They lie on this disk alone.")), nil
}

func replicaChecks(c *config.Config, place *replica.Config) []launch.Check {
	kept := launch.Check{Key: "backups.replica", System: "backups", Title: "The database is replicated off this machine", Link: pageHere, Blocks: true,
		Why: "The disk of a server fails one day, and everything on it is gone.", Fix: "Name a bucket in litestream.yml, as the block for S3 in the one that is shipped, and unset SEAWORTHY_REPLICA."}
	fresh := launch.Check{Key: keyFresh, System: "backups", Title: "The replica keeps up", Link: pageHere, Blocks: true,
		Why: "What is not at the replica yet is lost with the machine.", Fix: "Look at the trouble that Backups shows: keys, network, or a bucket that is full."}
	lease := launch.Check{Key: keyLease, System: "backups", Title: "This machine holds the lease of the replica", Link: pageHere,
		Why: "Two machines that write one replica would each believe to be the right one.", Fix: "Stop the other machine; whoever has the lease writes."}
	switch {
	case place == nil:
		no := "Nothing is replicated."
		return []launch.Check{kept.Is(launch.Todo, no), fresh.Is(launch.NotApplicable, no), lease.Is(launch.NotApplicable, no)}
	case place.Replica.Under(absolute(c.Data)):
		kept = kept.Is(launch.Todo, "The replica is in the data folder, on the same disk.")
	case place.Replica.Type == "file":
		kept = kept.Is(launch.Warn, "It goes to "+place.Replica.Location()+" on this machine: that saves from a broken disk only if it is another.")
	default:
		kept = kept.Is(launch.Done, "It goes to "+place.Replica.Location()+".")
	}
	fresh.Looked = place.Replica.Location()
	if place.Replica.Type != "s3" {
		lease = lease.Is(launch.NotApplicable, "Only a bucket has one.")
	} else {
		lease.Looked = place.Replica.Location()
		lease = lease.Is(launch.Unknown, "Only the running server knows.")
	}
	return []launch.Check{kept, fresh.Is(launch.Unknown, "Only the running server knows."), lease}
}

func drillCheck(replicated bool, good, now time.Time) launch.Check {
	c := launch.Check{Key: "backups.drill", System: "backups", Title: "A restore was tried in the last eight days", Link: pageHere, Blocks: true,
		Why: "A backup that was never restored is a hope.", Fix: "One is tried every night by itself; Backups has one tried now, and shows why it failed."}
	switch {
	case !replicated:
		return c.Is(launch.Todo, "Nothing is replicated, so nothing can be restored.")
	case good.IsZero():
		return c.Is(launch.Todo, "None has gone well yet.")
	case now.Sub(good) > drilledFor:
		return c.Is(launch.Todo, "The last that went well was on "+good.Format("2 Jan 2006")+".")
	}
	return c.Is(launch.Done, "The last went well on "+good.Format("2 Jan 2006, 15:04")+".")
}

func copyCheck(c *config.Config, good, now time.Time) launch.Check {
	k := launch.Check{Key: "backups.copy", System: "backups", Title: "A whole copy is made every night", Link: pageHere,
		Why: "It does not depend on the replica, so no defect and no stolen key of one spoils both.",
		Fix: "Set SEAWORTHY_COPIES to s3://bucket/prefix of another account, or to a folder on another disk, and SEAWORTHY_COPIES_RECIPIENTS."}
	switch {
	case c.Copies == "":
		return k.Is(launch.Todo, "No place for copies is set.")
	case good.IsZero():
		return k.Is(launch.Todo, "None has been made yet. Backups has one made now.")
	case now.Sub(good) > 2*freshFor:
		return k.Is(launch.Todo, "The last that went well was on "+good.Format("2 Jan 2006")+".")
	case c.CopiesRecipients == "":
		return k.Is(launch.Warn, "They are not encrypted: set SEAWORTHY_COPIES_RECIPIENTS.")
	}
	return k.Is(launch.Done, "The last was made on "+good.Format("2 Jan 2006, 15:04")+".")
}

func kitCheck(c *config.Config) launch.Check {
	made := kitMade(c.Data)
	return launch.Check{Key: "backups.kit", System: "backups", Title: "The master key is backed up", Link: pageHere, Blocks: true,
		Why: "It is in no backup. Without it second factors, provider keys and all else that is sealed stay unreadable after a restore.",
		Fix: "On the server run 'seaworthy keys export kit.age', and keep the file and its passphrase away from this machine."}.
		Holds(!made.IsZero(), "A recovery kit of the keys in use was made on "+made.Format("2 Jan 2006")+".", "No recovery kit was made of the keys in use.")
}

// absolute is a folder's path from the root, or as it is where that cannot be found out.
func absolute(folder string) string {
	if abs, err := filepath.Abs(folder); err == nil {
		return abs
	}
	return folder
}
