package replica

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

// sftpRoot is a folder behind SSH. It connects anew for every call: there are
// a handful in the life of a process, and a connection that hangs dies with
// its call.
type sftpRoot struct {
	rep      Replica
	patience time.Duration
}

// behind runs a call over a session of its own, for the root's patience at most.
func behind[T any](ctx context.Context, r *sftpRoot, what string, fn func(*sftp.Client) (T, error)) (T, error) {
	return within(ctx, r.patience, what, func(ctx context.Context) (v T, err error) {
		err = r.session(ctx, func(c *sftp.Client) error {
			v, err = fn(c)
			return err
		})
		return v, err
	})
}

func (r *sftpRoot) session(ctx context.Context, fn func(*sftp.Client) error) error {
	cfg, err := r.login()
	if err != nil {
		return err
	}
	addr := r.rep.Host
	if _, _, err := net.SplitHostPort(addr); err != nil {
		addr = net.JoinHostPort(addr, "22")
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	transport, channels, requests, err := ssh.NewClientConn(conn, addr, cfg)
	if err != nil {
		return fmt.Errorf("sign in to %s: %w", addr, err)
	}
	client, err := sftp.NewClient(ssh.NewClient(transport, channels, requests))
	if err != nil {
		return err
	}
	// The connection goes first: closing the client waits for a server that
	// may not answer any more.
	defer func() { conn.Close(); client.Close() }()
	return fn(client)
}

func (r *sftpRoot) login() (*ssh.ClientConfig, error) {
	// Without host-key any host is taken for the right one, as by the stock command.
	cfg := &ssh.ClientConfig{User: r.rep.User, HostKeyCallback: ssh.InsecureIgnoreHostKey()}
	if r.rep.HostKey != "" {
		key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(r.rep.HostKey))
		if err != nil {
			return nil, fmt.Errorf("read host-key: %w", err)
		}
		cfg.HostKeyCallback = ssh.FixedHostKey(key)
	}
	if r.rep.Password != "" {
		cfg.Auth = append(cfg.Auth, ssh.Password(r.rep.Password))
	}
	if r.rep.KeyPath != "" {
		text, err := os.ReadFile(r.rep.KeyPath)
		if err != nil {
			return nil, fmt.Errorf("read key-path: %w", err)
		}
		signer, err := ssh.ParsePrivateKey(text)
		if err != nil {
			return nil, fmt.Errorf("read key-path: %w", err)
		}
		cfg.Auth = append(cfg.Auth, ssh.PublicKeys(signer))
	}
	return cfg, nil
}

func (r *sftpRoot) get(ctx context.Context, name string) ([]byte, string, error) {
	data, err := behind(ctx, r, "read "+name, func(c *sftp.Client) ([]byte, error) { return readSFTP(c, path.Join(r.rep.Path, name)) })
	return data, tagOf(data), err
}

// put has the same gap as the file's, and the same answer to it.
func (r *sftpRoot) put(ctx context.Context, name string, data []byte, tag string) error {
	_, err := behind(ctx, r, "write "+name, func(c *sftp.Client) (struct{}, error) {
		return struct{}{}, r.replace(c, path.Join(r.rep.Path, name), data, tag)
	})
	return err
}

func (r *sftpRoot) replace(c *sftp.Client, target string, data []byte, tag string) error {
	old, err := readSFTP(c, target)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if (err == nil) != (tag != "") || (err == nil && tagOf(old) != tag) {
		return errChanged
	}
	if err := c.MkdirAll(r.rep.Path); err != nil {
		return err
	}
	tmp := target + "." + rand.Text() + ".tmp"
	f, err := c.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, bytes.NewReader(data))
	if err := errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, c.Remove(tmp))
	}
	if tag != "" {
		return c.PosixRename(tmp, target)
	}
	// Plain SFTP rename refuses an existing target: the first one wins.
	if err := c.Rename(tmp, target); err != nil {
		c.Remove(tmp)
		if _, statErr := c.Stat(target); statErr == nil {
			return errChanged
		}
		return err
	}
	return nil
}

func (r *sftpRoot) list(ctx context.Context) ([]string, error) {
	return behind(ctx, r, "list "+r.rep.Location(), func(c *sftp.Client) ([]string, error) {
		entries, err := c.ReadDir(r.rep.Path)
		if errors.Is(err, fs.ErrNotExist) {
			_, err = c.Stat(path.Dir(r.rep.Path))
		}
		var names []string
		for _, e := range entries {
			names = append(names, e.Name())
		}
		return names, err
	})
}

func (r *sftpRoot) close() {}

func readSFTP(c *sftp.Client, name string) ([]byte, error) {
	f, err := c.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, mostSmall))
}
