package ops

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"seaworthy/app/config"
	"seaworthy/app/launch"
)

const (
	keyCertificate = "server.certificate"
	keyHSTS        = "server.hsts"
	keyClock       = "server.clock"
)

// ServerChecks are what must be so of the machine and of how it is reached. They ask
// nobody outside.
func ServerChecks(c *config.Config) []launch.Check {
	return []launch.Check{httpsCheck(c), certificateCheck(c), hstsCheck(c), proxyCheck(c), clockCheck(), diskCheck(c.Data), modeCheck(c.Data), rootCheck(c.Data), filesCheck(), binaryCheck(c.Data, time.Now())}
}

func httpsCheck(c *config.Config) launch.Check {
	return launch.Check{Key: "server.https", System: "server", Title: "The public address is https", Blocks: true,
		Why: "Without TLS passwords and sessions can be read on the way, and the conveniences of development are open to everybody.",
		Fix: "Set SEAWORTHY_URL to https://app.example.com, and SEAWORTHY_TLS to auto or a proxy with a certificate in front."}.
		Holds(c.Production(), "It is "+c.URL+".", "It is "+c.URL+", which means development.")
}

func certificateCheck(c *config.Config) launch.Check {
	k := launch.Check{Key: keyCertificate, System: "server", Title: "The certificate is valid, and will be", Blocks: true, Looked: c.URL,
		Why: "An expired certificate keeps every customer out at once.", Fix: "Let SEAWORTHY_TLS=auto renew it, which needs ports 80 and 443; or look at what renews that of your proxy."}
	if !c.Production() {
		k.Looked = ""
		return k.Is(launch.NotApplicable, "There is none for plain http.")
	}
	return k.Is(launch.Unknown, "The public address was not called yet.")
}

func hstsCheck(c *config.Config) launch.Check {
	k := launch.Check{Key: keyHSTS, System: "server", Title: "Browsers are told to use https alone", Looked: c.URL,
		Why: "Else the first request of a visitor may go in the clear, where it can be turned to a copy of your site.", Fix: "Seaworthy sends Strict-Transport-Security by itself: see that your proxy does not take it out."}
	if !c.Production() {
		k.Looked = ""
		return k.Is(launch.NotApplicable, "There is no https yet.")
	}
	return k.Is(launch.Unknown, "The public address was not called yet.")
}

// proxyCheck looks whether the addresses of clients are known.
func proxyCheck(c *config.Config) launch.Check {
	k := launch.Check{Key: "server.proxies", System: "server", Title: "Clients' own addresses are known", Blocks: true,
		Why: "Behind a proxy that is not trusted all requests come from one address: one person who guesses passwords locks everybody out, and the audit log names the proxy.",
		Fix: "Set SEAWORTHY_TRUSTED_PROXIES to the networks of your proxy, as 127.0.0.1/32."}
	switch {
	case !c.Production():
		return k.Is(launch.NotApplicable, "Nothing stands in front in development.")
	case c.HasTLS():
		return k.Is(launch.Done, "Clients come to this process itself.")
	case len(c.TrustedProxies) == 0:
		return k.Is(launch.Todo, "TLS ends in front of this process, and no proxy is trusted.")
	}
	return k.Is(launch.Done, fmt.Sprintf("%d networks of proxies are trusted.", len(c.TrustedProxies)))
}

// clockCheck begins with what the kernel says of itself. A look compares with others' clocks.
func clockCheck() launch.Check {
	k := launch.Check{Key: keyClock, System: "server", Title: "The clock is right", Looked: lookedClock, Blocks: true,
		Why: "Codes of second factors, tokens, signatures of webhooks and leases go by it.", Fix: "Run 'timedatectl set-ntp true' on the server."}
	switch synced, known := kernelSynced(); {
	case known && synced:
		return k.Is(launch.Done, "The kernel says that it is kept in step.")
	case known:
		k.Blocks = false
		return k.Is(launch.Unknown, "The kernel does not know of anything that keeps it in step, and it was not compared with others yet.")
	}
	return k.Is(launch.Unknown, "It was not compared with others yet.")
}

const (
	lowSpace   = 1 << 30 // bytes that are free at least
	lowestFree = 5       // percent that are free at least
)

func diskCheck(data string) launch.Check {
	k := launch.Check{Key: "server.disk", System: "server", Title: "There is room on the disk", Blocks: true,
		Why: "A full disk refuses every write.", Fix: "Make the disk larger, or delete what is not Seaworthy's. Trial restores and copies need as much room as the database."}
	var disk syscall.Statfs_t
	if err := syscall.Statfs(nearest(data), &disk); err != nil {
		return k.Is(launch.Unknown, "It could not be asked: "+err.Error())
	}
	free, size := int64(disk.Bavail)*int64(disk.Bsize), int64(disk.Blocks)*int64(disk.Bsize)
	return k.Holds(roomEnough(free, size), fmt.Sprintf("%.1f GB are free.", float64(free)/1e9), fmt.Sprintf("Only %.1f GB of %.0f GB are free.", float64(free)/1e9, float64(size)/1e9))
}

// roomEnough judges free and all bytes of a disk.
func roomEnough(free, size int64) bool { return free >= lowSpace && free >= size/100*lowestFree }

// nearest is a folder, or the one it will be made in.
func nearest(folder string) string {
	folder = absolute(folder)
	for folder != filepath.Dir(folder) {
		if _, err := os.Stat(folder); err == nil {
			return folder
		}
		folder = filepath.Dir(folder)
	}
	return folder
}

// modeCheck looks who else on the machine can read data and keys.
func modeCheck(data string) launch.Check {
	k := launch.Check{Key: "server.modes", System: "server", Title: "Only Seaworthy can read its files", Blocks: true,
		Why: "Whoever reads the keys can open what is sealed and forge the audit log.", Fix: "Run: chmod 700 " + data + " " + filepath.Join(data, "keys") + " and chmod 600 on the files in keys."}
	folder := filepath.Join(data, "keys")
	var open []string
	for _, path := range []string{data, folder} {
		info, err := os.Stat(path)
		if errors.Is(err, fs.ErrNotExist) {
			return k.Is(launch.NotApplicable, path+" is not there yet; serve makes it.")
		}
		if err != nil {
			return k.Is(launch.Unknown, "It could not be looked at: "+err.Error())
		}
		if info.Mode().Perm()&0o077 != 0 {
			open = append(open, path)
		}
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return k.Is(launch.Unknown, "It could not be looked at: "+err.Error())
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.Mode().Perm()&0o077 != 0 {
			open = append(open, filepath.Join(folder, e.Name()))
		}
	}
	if len(open) == 0 {
		return k.Is(launch.Done, "Nobody else may.")
	}
	return k.Is(launch.Todo, fmt.Sprintf("Others on this machine may look into %s%s.", open[0], others(len(open)-1)))
}

func others(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(" and %d more", n)
}

// rootCheck goes by the database's owner, so that it holds for whoever asks.
func rootCheck(data string) launch.Check {
	k := launch.Check{Key: "server.root", System: "server", Title: "It does not run as root",
		Why: "A hole in any part would be one in the whole machine.", Fix: "Run it as a user of its own, who owns the data folder; ports below 1024 are had by a socket of systemd or by CAP_NET_BIND_SERVICE."}
	info, err := os.Stat(filepath.Join(data, "seaworthy.db"))
	if errors.Is(err, fs.ErrNotExist) {
		return k.Is(launch.NotApplicable, "There is no database yet.")
	}
	if err != nil {
		return k.Is(launch.Unknown, "It could not be looked at: "+err.Error())
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return k.Is(launch.Unknown, "This system does not say who owns a file.")
	}
	if owner.Uid == 0 {
		return k.Is(launch.Warn, "The database belongs to root.")
	}
	return k.Is(launch.Done, "The database belongs to another user.")
}

const fewFiles = 4096

// filesCheck looks how many connections and files may be open at once.
func filesCheck() launch.Check {
	k := launch.Check{Key: "server.files", System: "server", Title: "Enough files may be open", Why: "Each connection is one: beyond the limit nobody gets in.",
		Fix: "Set LimitNOFILE=65536 in the unit of systemd, or 'ulimit -n 65536' before the start."}
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return k.Is(launch.Unknown, "It could not be asked: "+err.Error())
	}
	return k.Holds(limit.Cur >= fewFiles, fmt.Sprintf("%d.", limit.Cur), fmt.Sprintf("%d, which is few.", limit.Cur))
}
