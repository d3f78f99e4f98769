package ops

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"filippo.io/age"
	"github.com/klauspost/compress/zstd"
)

// pack streams a file compressed (zstd) and, with recipients, encrypted (age): both are
// formats that other programs read.
func pack(from io.Reader, to io.Writer, recipients []age.Recipient) error {
	var end []io.Closer
	if len(recipients) > 0 {
		sealed, err := age.Encrypt(to, recipients...)
		if err != nil {
			return fmt.Errorf("encrypt the copy: %w", err)
		}
		to, end = sealed, append(end, sealed)
	}
	// One goroutine and a small window: a copy must not take the memory of the server.
	z, err := zstd.NewWriter(to, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20), zstd.WithEncoderLevel(zstd.SpeedFastest))
	if err != nil {
		return fmt.Errorf("compress the copy: %w", err)
	}
	_, err = io.Copy(z, from)
	if err := errors.Join(err, z.Close()); err != nil {
		return fmt.Errorf("compress the copy: %w", err)
	}
	for _, c := range end {
		if err := c.Close(); err != nil {
			return fmt.Errorf("encrypt the copy: %w", err)
		}
	}
	return nil
}

// packed is what pack makes of a file, as something to read.
func packed(ctx context.Context, path string, recipients []age.Recipient) (io.ReadCloser, func() error) {
	r, w := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := func() error {
			f, err := os.Open(path)
			if err != nil {
				return err
			}
			defer f.Close()
			return pack(f, w, recipients)
		}()
		w.CloseWithError(err)
		done <- err
	}()
	stop := context.AfterFunc(ctx, func() { r.CloseWithError(context.Cause(ctx)) })
	return r, func() error {
		stop()
		r.Close() // whoever reads no further ends the writer
		return <-done
	}
}

// ageMagic is what an encrypted file begins with.
var ageMagic = []byte("age-encryption.org/")

// ErrSealed says that a copy is encrypted and nothing was given to open it.
var ErrSealed = errors.New("the copy is encrypted: give the identity file of age whose recipient it was made for")

// unpack writes the database that a copy holds. It believes the content, not the name.
func unpack(from io.Reader, to io.Writer, identities []age.Identity) error {
	in := bufio.NewReader(from)
	head, err := in.Peek(len(ageMagic))
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read the copy: %w", err)
	}
	var plain io.Reader = in
	if bytes.Equal(head, ageMagic) {
		if len(identities) == 0 {
			return ErrSealed
		}
		if plain, err = age.Decrypt(in, identities...); err != nil {
			return fmt.Errorf("open the copy: %w", err)
		}
	}
	z, err := zstd.NewReader(plain, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(8<<20))
	if err != nil {
		return fmt.Errorf("read the copy: %w", err)
	}
	defer z.Close()
	if _, err := io.Copy(to, z); err != nil {
		return fmt.Errorf("read the copy: %w", err)
	}
	return nil
}

// parseRecipients reads recipients of age (age1...).
func parseRecipients(names []string) (all []age.Recipient, err error) {
	for _, name := range names {
		r, err := age.ParseX25519Recipient(name)
		if err != nil {
			return nil, fmt.Errorf("%q is no recipient of age (age1...)", name)
		}
		all = append(all, r)
	}
	return all, nil
}
