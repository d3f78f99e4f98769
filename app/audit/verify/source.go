package verify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// ErrGone says that a source had something once and does not give it any more.
var ErrGone = errors.New("gone")

// Folder is a tiled log in a folder, as an export writes it. A bundle with a
// dropped entry has an empty file.
type Folder string

// Read implements Source.
func (f Folder) Read(_ context.Context, path string) ([]byte, error) {
	data, err := os.ReadFile(filepath.Join(string(f), filepath.FromSlash(path)))
	if err == nil && len(data) == 0 {
		return nil, ErrGone
	}
	return data, err
}

// Web is a tiled log at an address.
type Web struct {
	Prefix string // without a slash at the end
	Token  string // for the entries, which are not public
	Client *http.Client
}

// NewWeb reads a log at a prefix such as https://app.example.com/-/audit/log.
func NewWeb(prefix, token string) Web {
	return Web{strings.TrimSuffix(prefix, "/"), token, &http.Client{Timeout: 30 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse // the token is for this address alone
	}}}
}

// maxResource bounds what is read for one path: 256 entries of 64 KB.
const maxResource = 256 * (65535 + 2)

// Read implements Source.
func (w Web) Read(ctx context.Context, path string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, w.Prefix+"/"+path, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", "application/octet-stream, application/json") // a program asks: no redirect to a sign-in page
	if w.Token != "" && strings.HasPrefix(path, "tile/entries/") {
		r.Header.Set("Authorization", "Bearer "+w.Token)
	}
	res, err := w.Client.Do(r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	switch res.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound:
		return nil, fs.ErrNotExist
	case http.StatusGone:
		return nil, ErrGone
	case http.StatusUnauthorized, http.StatusForbidden:
		return nil, errors.New("the entries need a key with the permission audit:read (give it with --token)")
	default:
		return nil, fmt.Errorf("the server answered %s", res.Status)
	}
	data, err := io.ReadAll(io.LimitReader(res.Body, maxResource+1))
	if err == nil && len(data) > maxResource {
		err = errors.New("the answer is larger than any tile")
	}
	return data, err
}

// Lines are the lines of a text that are not empty.
func Lines(text []byte) []string {
	var all []string
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" {
			all = append(all, line)
		}
	}
	return all
}
