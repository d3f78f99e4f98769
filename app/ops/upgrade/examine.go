package upgrade

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"strings"

	"seaworthy/app/ops/minisign"
)

// UnsignedError refuses a file without a signature where keys are configured.
type UnsignedError struct{ Path string }

func (e *UnsignedError) Error() string {
	return fmt.Sprintf("there is no signature %s, and a key is configured: only signed files are installed. Get it from where the file came from, or name it with --signature", e.Path)
}

// readSignature reads the signature, nil where nothing is verified.
func (u *Upgrade) readSignature() (*minisign.Signature, error) {
	path := u.Signature
	if path == "" {
		path = u.File + ".minisig"
	}
	text, err := readSmall(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && len(u.Keys) > 0:
		return nil, &UnsignedError{path}
	case errors.Is(err, fs.ErrNotExist) && u.Signature == "":
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("the signature: %w", err)
	case len(u.Keys) == 0 && u.Signature != "":
		return nil, errors.New("no key is configured to verify the signature with: give --public-key, or set SEAWORTHY_UPGRADE_KEY")
	}
	s, err := minisign.ParseSignature(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &s, nil
}

// readSmall reads a file of a few lines.
func readSmall(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, 64<<10))
}

// examine says who signed the file, and refuses what is not a newer release of this program
// for this machine. Nothing of it runs before its signature has been verified.
func (u *Upgrade) examine(ctx context.Context, fresh string, s *minisign.Signature) error {
	u.step(StepVerify)
	if err := u.verify(fresh, s); err != nil {
		return err
	}
	if err := isForHere(fresh); err != nil {
		return fmt.Errorf("%s: %w", u.File, err)
	}
	if err := isProgram(fresh, u.Program); err != nil {
		return fmt.Errorf("%s: %w", u.File, err)
	}
	has, err := u.installed(ctx)
	if err != nil {
		return err
	}
	gets, err := u.versionOf(ctx, fresh)
	if err != nil {
		return fmt.Errorf("%s: %w", u.File, err)
	}
	return u.allows(has, gets)
}

func (u *Upgrade) verify(fresh string, s *minisign.Signature) error {
	if s == nil || len(u.Keys) == 0 {
		u.say("NOTE  nobody vouches for this file: no key is configured, so no signature was verified")
		return nil
	}
	f, err := os.Open(fresh)
	if err != nil {
		return err
	}
	defer f.Close()
	key, err := s.Verify(u.Keys, f)
	if err != nil {
		return fmt.Errorf("%s is not installed: %w", u.File, err)
	}
	u.say("ok    signed by key %s: %s", key.ID(), strings.ReplaceAll(s.Comment, "\t", " "))
	return nil
}

// installed is the version of the binary that is in place.
func (u *Upgrade) installed(ctx context.Context) (string, error) {
	if u.Version != "" {
		return u.Version, nil
	}
	v, err := u.versionOf(ctx, u.Binary)
	if err != nil {
		return "", fmt.Errorf("%s: %w", u.Binary, err)
	}
	return v, nil
}

// versionOf asks a binary, which prints its name and its version.
func (u *Upgrade) versionOf(ctx context.Context, binary string) (string, error) {
	out, err := u.ask(ctx, quick, binary, "version")
	if err != nil {
		return "", fmt.Errorf("it cannot be run: %w%s", err, said(out))
	}
	words := bytes.Fields(out)
	if len(words) != 2 {
		return "", fmt.Errorf("it does not say its version, but %.80q", out)
	}
	return string(words[1]), nil
}

// allows refuses a release that is older than the one that is installed: with an old file
// and its good signature somebody could bring back a hole that was closed.
func (u *Upgrade) allows(has, gets string) error {
	order, known := compare(gets, has)
	switch {
	case known && order < 0 && !u.AllowOlder:
		return fmt.Errorf("%s is release %s, older than %s, which is installed: to go back one step use 'seaworthy upgrade --rollback', or give --allow-older if you mean it", u.File, gets, has)
	case known && order == 0:
		u.say("ok    release %s, the same that is installed", gets)
	case known:
		u.say("ok    release %s in place of %s", gets, has)
	case isRelease(has) && !u.AllowOlder:
		return fmt.Errorf("%s is %s, which is no release, so it cannot be seen that it is newer than %s, which is installed: give --allow-older if you mean it", u.File, gets, has)
	default:
		u.say("ok    %s in place of %s; which is newer cannot be seen", gets, has)
	}
	return nil
}

// said is what a binary wrote, as the end of a sentence.
func said(out []byte) string {
	text := strings.TrimSpace(strings.ToValidUTF8(string(out), "?"))
	if text == "" {
		return ""
	}
	return ": " + text[max(0, len(text)-600):]
}

// exitCode is the code with which a process ended, -1 if it did not by itself.
func exitCode(err error) int {
	if e := (*exec.ExitError)(nil); errors.As(err, &e) {
		return e.ExitCode()
	}
	return -1
}
