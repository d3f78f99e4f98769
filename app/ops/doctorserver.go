package ops

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"syscall"

	"seaworthy/app/config"
	"seaworthy/app/launch"
	"seaworthy/store/replica"
)

// askServer asks the server on this machine how it is, where it listens. What only it
// knows of the replica is in what it says.
func askServer(ctx context.Context, c *config.Config) (Check, []launch.Finding) {
	k := Check{Key: "server.ready", System: "server", Title: "The server is ready", Blocks: true,
		Why: "A server that cannot write or does not run its jobs serves nobody.", Fix: "Look at its log, and at Health on the console's home."}
	host, port, err := net.SplitHostPort(c.Addr)
	if err != nil {
		return k.Is(launch.Unknown, "It is not known where it listens."), nil
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	body, status, err := readyz(ctx, c, net.JoinHostPort(host, port))
	// A server that is stopped is no fault: doctor is run before the first start, too.
	if errors.Is(err, syscall.ECONNREFUSED) {
		return k.Is(launch.Unknown, "None listens at "+c.Addr+" now. What only a running server knows was not checked."), nil
	}
	var said struct {
		Ready  bool              `json:"ready"`
		Checks map[string]string `json:"checks"`
	}
	if err != nil || json.Unmarshal(body, &said) != nil || said.Checks == nil || status != http.StatusOK && status != http.StatusServiceUnavailable {
		return k.Is(launch.Unknown, "What listens at "+c.Addr+" does not say that it is Seaworthy, or not in time."), nil
	}
	k = k.Holds(said.Ready, "It says so.", "It says that it is not: "+troubles(said.Checks)+".")
	return k, replicaSaid(c, said.Checks["replica"])
}

// readyz gets it from an address of this machine, under the public name where it speaks TLS.
func readyz(ctx context.Context, c *config.Config, addr string) (body []byte, status int, err error) {
	scheme, name := "http", addr
	if c.HasTLS() {
		scheme = "https"
		if u, err := url.Parse(c.URL); err == nil {
			name = u.Host
		}
	}
	within, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	transport := &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, addr)
	},
		TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}, DisableKeepAlives: true}
	r, err := http.NewRequestWithContext(within, http.MethodGet, scheme+"://"+name+"/-/readyz", nil)
	if err != nil {
		return nil, 0, err
	}
	answer, err := transport.RoundTrip(r)
	if err != nil {
		return nil, 0, err
	}
	defer answer.Body.Close()
	body, err = io.ReadAll(io.LimitReader(answer.Body, 64<<10))
	return body, answer.StatusCode, err
}

// troubles are all that it says, shortened: words of its own, without secrets.
func troubles(checks map[string]string) string {
	var all []string
	for name, word := range checks {
		all = append(all, name+" "+word)
	}
	slices.Sort(all)
	text := strings.Join(all, ", ")
	return strings.ToValidUTF8(text[:min(len(text), 300)], "")
}

// replicaSaid makes findings of the word for the replica, as app's health has it.
func replicaSaid(c *config.Config, word string) []launch.Finding {
	state, known := map[string]launch.State{"in step": launch.Done, "catching up": launch.Warn, "behind": launch.Todo}[word]
	place, err := replica.Find(c.Replica, c.Data)
	if !known || c.Replica == "off" || err != nil {
		return nil
	}
	about := place.Replica.Location()
	all := []launch.Finding{{Key: keyFresh, State: state, Detail: "The server says: " + word + ".", About: about}}
	if state == launch.Done {
		all = append(all, launch.Finding{Key: keyLease, State: state, Detail: "The server writes to it.", About: about})
	}
	return all
}
