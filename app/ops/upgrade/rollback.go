package upgrade

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"seaworthy/app/handover"
	"seaworthy/store"
)

// Rollback puts the old binary back in place, and the present one in its: another rollback
// undoes it. A database that the old one refuses stays as it is, and so does the binary.
func (u *Upgrade) Rollback(ctx context.Context) error {
	u.Out = &printer{w: u.Out}
	place, err := hold(u.Binary)
	if err != nil {
		return err
	}
	defer place.release()
	old := handover.Old(u.Binary)
	before, err := os.Stat(old)
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("there is no %s to go back to", old)
	}
	if err != nil {
		return err
	}
	if os.SameFile(before, place.was) {
		return fmt.Errorf("%s is the binary that is in place already: there is nothing to go back to", old)
	}
	running, err := u.find(ctx)
	if err != nil {
		return err
	}
	// Asked before the swap: an old binary that refuses the database would leave nobody serving.
	if err := u.accepts(ctx, old); err != nil {
		return err
	}
	if u.DryRun {
		u.say("Nothing was changed: this was a dry run.")
		return nil
	}
	u.step(StepSwap)
	// In one step: at no time is a name without its file.
	if err := unix.Renameat2(unix.AT_FDCWD, old, unix.AT_FDCWD, u.Binary, unix.RENAME_EXCHANGE); err != nil {
		return fmt.Errorf("put the old binary back: %w", err)
	}
	u.step(StepSync)
	if err := place.sync(); err != nil {
		return fmt.Errorf("write the folder of the binary to the disk: %w", err)
	}
	u.say("ok    %s is the old binary again; the one that was in its place is %s", u.Binary, old)
	return u.goOn(ctx, running)
}

// accepts asks the old binary whether it can run on the database of now.
func (u *Upgrade) accepts(ctx context.Context, old string) error {
	version, err := u.versionOf(ctx, old)
	if err != nil {
		return fmt.Errorf("%s: %w", old, err)
	}
	u.step(StepRehearse)
	if _, err := os.Stat(u.database()); errors.Is(err, os.ErrNotExist) {
		u.say("ok    back to %s; there is no database in %s", version, u.Data)
		return nil
	}
	out, err := u.ask(ctx, rehearsing, old, "migrate", "--check", "--data", u.Data)
	switch code := exitCode(err); {
	case err == nil:
		u.say("ok    back to %s, which can run on the database as it is", version)
		return nil
	case code == ExitNewerSchema:
		return u.tooNew(ctx, version)
	default:
		return fmt.Errorf("%s (%s) does not say that it can run on the database of %s, so nothing was changed (%w)%s", old, version, u.Data, err, said(out))
	}
}

// tooNew explains why there is no way back that loses nothing, and which one there is.
func (u *Upgrade) tooNew(ctx context.Context, version string) error {
	have, _, err := store.FileSchema(ctx, u.database())
	if err != nil {
		return err
	}
	text := fmt.Sprintf("the database was migrated to schema %d, which %s does not know, so nothing was changed. A migration is not undone once requests have run: what they wrote would be lost.", have, version)
	copied := filepath.Join(u.Data, "backups", fmt.Sprintf("pre-v%d.db", have))
	if info, err := os.Stat(copied); err == nil {
		text += fmt.Sprintf(" To go back all the same, and lose whatever was changed since %s UTC: stop the server, move %s* aside, put %s in its place, and run this again",
			info.ModTime().UTC().Format("2006-01-02 15:04"), u.database(), copied)
	} else {
		text += " To go back all the same, stop the server and restore an earlier state: 'seaworthy restore --at TIME'"
	}
	return errors.New(text)
}
