package guess

import (
	"bufio"
	"context"
	"crypto/sha1"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"seaworthy/app/dial"
)

// Breaches asks Have I Been Pwned whether a password was stolen anywhere. Of the
// password nothing but the first 20 bits of its SHA-1 leaves the machine: the
// answer holds some hundred suffixes, padded so that its length says nothing
// either (haveibeenpwned.com/API/v3#PwnedPasswords).
type Breaches struct {
	url    string
	client *http.Client
	slots  chan struct{}

	mu         sync.Mutex
	young, old map[string]string // answers by prefix
	filled     time.Time         // when young was begun
}

// Bounds of a question: patience, bytes of an answer, answers kept (of about 60
// kB each), for how long, and questions at once.
const (
	patience   = time.Second
	maxAnswer  = 256 << 10
	maxAnswers = 64
	keepAnswer = time.Hour
	atOnce     = 8
)

// NewBreaches asks at the public address, through what stands in the way out.
func NewBreaches(through func(http.RoundTripper) http.RoundTripper) *Breaches {
	return newBreaches("https://api.pwnedpasswords.com/range/", &http.Client{Timeout: patience, Transport: through(dial.Dialer{Timeout: patience}.Transport()),
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return errors.New("guess: the list of breaches sends elsewhere")
		}})
}

// BreachesAt asks at another address, as tests do.
func BreachesAt(url string, client *http.Client) *Breaches { return newBreaches(url, client) }

func newBreaches(url string, client *http.Client) *Breaches {
	return &Breaches{url: url, client: client, slots: make(chan struct{}, atOnce), young: map[string]string{}, filled: time.Now()}
}

var errBusy = errors.New("guess: too many questions at once")

// Has reports whether a password was stolen. An error is a question without an
// answer: whoever asks decides what that means. A nil list has nothing.
func (b *Breaches) Has(ctx context.Context, password string) (bool, error) {
	if b == nil {
		return false, nil
	}
	sum := fmt.Sprintf("%X", sha1.Sum([]byte(password)))
	answer, err := b.answer(ctx, sum[:5])
	if err != nil {
		return false, err
	}
	lines := bufio.NewScanner(strings.NewReader(answer))
	for lines.Scan() {
		// Padding has a count of 0.
		if suffix, count, ok := strings.Cut(strings.TrimSpace(lines.Text()), ":"); ok && strings.EqualFold(suffix, sum[5:]) {
			return strings.Trim(count, "0") != "", nil
		}
	}
	return false, lines.Err()
}

func (b *Breaches) answer(ctx context.Context, prefix string) (string, error) {
	if answer, ok := b.kept(prefix); ok {
		return answer, nil
	}
	select {
	case b.slots <- struct{}{}:
		defer func() { <-b.slots }()
	default:
		return "", errBusy
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, b.url+prefix, nil)
	if err != nil {
		return "", err
	}
	r.Header.Set("Add-Padding", "true")
	r.Header.Set("User-Agent", "seaworthy")
	res, err := b.client.Do(r)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	switch {
	case err != nil:
		return "", err
	case res.StatusCode != http.StatusOK || len(body) > maxAnswer:
		return "", fmt.Errorf("guess: the list of breaches answers %s with %d bytes", res.Status, len(body))
	}
	b.keep(prefix, string(body))
	return string(body), nil
}

func (b *Breaches) kept(prefix string) (string, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.turn()
	if answer, ok := b.young[prefix]; ok {
		return answer, true
	}
	answer, ok := b.old[prefix]
	return answer, ok
}

func (b *Breaches) keep(prefix, answer string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.turn()
	b.young[prefix] = answer
}

// turn drops the older half of the answers when the younger is full or old.
func (b *Breaches) turn() {
	if len(b.young) >= maxAnswers/2 || time.Since(b.filled) > keepAnswer/2 {
		b.old, b.young, b.filled = b.young, map[string]string{}, time.Now()
	}
}
