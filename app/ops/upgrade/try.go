package upgrade

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// How long a binary may take to say its version, to test itself, and to migrate a copy of
// the database, which may be large.
const (
	quick       = 30 * time.Second
	selfTesting = 3 * time.Minute
	rehearsing  = 30 * time.Minute
)

// ExitNewerSchema is the exit code of a binary that refuses a database of a later release.
const ExitNewerSchema = 65

// try runs the new binary as far as it can be without the place of the old one.
func (u *Upgrade) try(ctx context.Context, fresh string) error {
	u.step(StepSelfTest)
	out, err := u.ask(ctx, selfTesting, fresh, "selftest")
	if err != nil {
		return fmt.Errorf("%s fails its self-test (%w), so nothing was changed%s", u.File, err, said(out))
	}
	u.say("ok    it passes its self-test")
	u.step(StepRehearse)
	if _, err := os.Stat(u.database()); errors.Is(err, os.ErrNotExist) {
		u.say("ok    there is no database in %s, so no migration was tried", u.Data)
		return nil
	}
	out, err = u.ask(ctx, rehearsing, fresh, "migrate", "--check", "--data", u.Data)
	if err != nil {
		return fmt.Errorf("%s cannot take over the database of %s (%w), so nothing was changed%s", u.File, u.Data, err, said(out))
	}
	for line := range strings.Lines(strings.TrimSpace(string(out))) {
		u.say("ok    %s", strings.TrimSpace(line))
	}
	return nil
}

// ask runs a binary with a limit of time, in an environment that has nothing of ours, as
// the user who owns the data: a file that was not proven yet has no business as root.
func (u *Upgrade) ask(ctx context.Context, limit time.Duration, binary string, args ...string) ([]byte, error) {
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	cmd := exec.CommandContext(limited, binary, args...)
	cmd.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8", "HOME=/"}
	cmd.Dir = "/"
	cmd.WaitDelay = 5 * time.Second
	// What it starts ends with it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: u.owner()}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	kept := &tail{most: 16 << 10}
	cmd.Stdout, cmd.Stderr = kept, kept
	err := cmd.Run()
	if limited.Err() != nil && ctx.Err() == nil {
		err = fmt.Errorf("it did not end within %s", limit)
	}
	return kept.text, err
}

// owner is the user to try a binary as: nil for the one who runs this.
func (u *Upgrade) owner() *syscall.Credential {
	if os.Geteuid() != 0 || u.Data == "" {
		return nil
	}
	info, err := os.Stat(u.Data)
	if err != nil {
		return nil
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok || st.Uid == 0 || !reachable(filepath.Dir(u.Binary), st.Uid) {
		return nil
	}
	return &syscall.Credential{Uid: st.Uid, Gid: st.Gid}
}

// reachable reports whether a user other than root may walk into a folder.
func reachable(folder string, uid uint32) bool {
	for {
		info, err := os.Stat(folder)
		if err != nil {
			return false
		}
		st, ok := info.Sys().(*syscall.Stat_t)
		if !ok || info.Mode().Perm()&0o001 == 0 && !(st.Uid == uid && info.Mode().Perm()&0o100 != 0) {
			return false
		}
		if folder == filepath.Dir(folder) {
			return true
		}
		folder = filepath.Dir(folder)
	}
}

// tail keeps the last of what is written.
type tail struct {
	text []byte
	most int
}

func (t *tail) Write(b []byte) (int, error) {
	t.text = append(t.text, b...)
	if over := len(t.text) - t.most; over > 0 {
		t.text = append(t.text[:0], t.text[over:]...)
	}
	return len(b), nil
}
