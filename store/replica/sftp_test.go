package replica

import (
	"crypto/ed25519"
	"crypto/rand"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

// newSFTP runs an SFTP server on this machine and returns a replica behind it.
func newSFTP(t testing.TB) Replica {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	cfg := &ssh.ServerConfig{PasswordCallback: func(c ssh.ConnMetadata, password []byte) (*ssh.Permissions, error) {
		if c.User() != "backup" || string(password) != "secret" {
			return nil, net.ErrClosed
		}
		return nil, nil
	}}
	cfg.AddHostKey(signer)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var open []net.Conn
	t.Cleanup(func() {
		listener.Close()
		mu.Lock()
		defer mu.Unlock()
		for _, c := range open {
			c.Close()
		}
	})
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open = append(open, conn)
			mu.Unlock()
			go serveSFTP(conn, cfg)
		}
	}()
	return Replica{Type: "sftp", Host: listener.Addr().String(), User: "backup", Password: "secret",
		HostKey: string(ssh.MarshalAuthorizedKey(key)), Path: filepath.Join(t.TempDir(), "replica"), SyncInterval: 20 * time.Millisecond}
}

func serveSFTP(conn net.Conn, cfg *ssh.ServerConfig) {
	_, channels, requests, err := ssh.NewServerConn(conn, cfg)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for c := range channels {
		channel, requests, err := c.Accept()
		if err != nil {
			return
		}
		go func() {
			for r := range requests {
				r.Reply(r.Type == "subsystem", nil)
			}
		}()
		server, err := sftp.NewServer(channel)
		if err != nil {
			return
		}
		go func() {
			server.Serve()
			server.Close()
		}()
	}
}

func TestSFTP(t *testing.T) {
	t.Parallel()
	cfg := fileConfig(t)
	cfg.Replica = newSFTP(t)
	want := replicated(t, cfg)
	restoredEquals(t, cfg, want)

	cfg.Replica.Password = "wrong"
	there := elsewhere(t, cfg)
	if out, err := Boot(t.Context(), there, there.DBPath, BootOptions{FirstInstall: true}); err == nil {
		t.Errorf("Boot with a wrong password = %+v", out)
	}
}
