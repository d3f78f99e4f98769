package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/argon2"

	"seaworthy/app/web"
)

// params are the cost of a password hash: OWASP's argon2id profile of 19 MiB and
// two passes, about 26 ms of one core.
type params struct {
	memory  uint32 // KiB
	passes  uint32
	threads uint8
}

var current = params{memory: 19456, passes: 2, threads: 1}

const (
	saltLen = 16
	keyLen  = 32
)

// Hasher computes password hashes, a bounded number at once: each takes 19 MiB,
// so a flood of sign-ins must queue and not take the memory.
type Hasher struct {
	slots chan struct{}
	queue chan struct{}
	p     params
	done  atomic.Int64

	crowded    atomic.Bool // many waited, and those who did are not all served
	collecting sync.Mutex
}

// NewHasher allows parallel hashes at once, and thirty-two more to wait for each.
// If parallel is 0, it is one less than there are cores: whatever a flood of
// sign-ins does, a core is left for those who are signed in.
func NewHasher(parallel int) *Hasher {
	if parallel <= 0 {
		parallel = max(1, runtime.GOMAXPROCS(0)-1)
	}
	return &Hasher{slots: make(chan struct{}, parallel), queue: make(chan struct{}, 33*parallel), p: current}
}

// NewCheapHasher is for tests: the same path at a thousandth of the cost.
func NewCheapHasher() *Hasher {
	h := NewHasher(4)
	h.p = params{memory: 8, passes: 1, threads: 1}
	return h
}

// Computed is how many hashes were computed so far.
func (h *Hasher) Computed() int64 { return h.done.Load() }

// errHasherBusy is the 503 when too many wait.
var errHasherBusy = &web.Error{Status: http.StatusServiceUnavailable, Code: "busy", RetryAfter: 2 * time.Second,
	Public: "Many people are signing in at once. Try again in a moment."}

func (h *Hasher) acquire(ctx context.Context) (release func(), err error) {
	select {
	case h.queue <- struct{}{}:
	default:
		return nil, errHasherBusy
	}
	select {
	case h.slots <- struct{}{}:
		h.done.Add(1)
		return h.release, nil
	case <-ctx.Done():
		<-h.queue
		return nil, context.Cause(ctx)
	}
}

// full reports whether so many wait that the next one would be sent away.
func (h *Hasher) full() bool { return len(h.queue) == cap(h.queue) }

// release ends a turn, and frees the 19 MiB that it took: the collector would let
// several of them gather, because to it a heap may always double. While few wait,
// the next hash begins meanwhile, on the core that is left; in a flood memory comes first.
func (h *Hasher) release() {
	switch waiting := len(h.queue); { // this one among them
	case waiting > 4*cap(h.slots):
		h.crowded.Store(true)
	case waiting <= 1:
		h.crowded.Store(false)
	}
	flood := h.crowded.Load()
	if flood {
		h.collect()
	}
	<-h.slots
	if !flood {
		h.collect()
	}
	<-h.queue
}

func (h *Hasher) collect() {
	if h.p.memory >= current.memory && h.collecting.TryLock() {
		runtime.GC()
		h.collecting.Unlock()
	}
}

// Hash returns the password's hash in PHC string format.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	release, err := h.acquire(ctx)
	if err != nil {
		return "", err
	}
	defer release()
	salt := make([]byte, saltLen)
	rand.Read(salt)
	key := argon2.IDKey([]byte(password), salt, h.p.passes, h.p.memory, h.p.threads, keyLen)
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, h.p.memory, h.p.passes, h.p.threads,
		b64.EncodeToString(salt), b64.EncodeToString(key)), nil
}

// Verify reports whether the password matches a stored hash. An empty hash costs
// the same and never matches, so that absence cannot be timed.
func (h *Hasher) Verify(ctx context.Context, phc, password string) (bool, error) {
	release, err := h.acquire(ctx)
	if err != nil {
		return false, err
	}
	defer release()
	if phc == "" {
		argon2.IDKey([]byte(password), make([]byte, saltLen), h.p.passes, h.p.memory, h.p.threads, keyLen)
		return false, nil
	}
	p, salt, want, err := parsePHC(phc)
	if err != nil {
		return false, err
	}
	got := argon2.IDKey([]byte(password), salt, p.passes, p.memory, p.threads, uint32(len(want)))
	return subtle.ConstantTimeCompare(got, want) == 1, nil
}

// Outdated reports whether a hash was made at another cost than today's.
func (h *Hasher) Outdated(phc string) bool {
	p, _, _, err := parsePHC(phc)
	return err == nil && p != h.p
}

var errBadHash = errors.New("auth: a stored password hash cannot be read")

// parsePHC reads $argon2id$v=19$m=…,t=…,p=…$salt$hash, with bounds on the cost:
// whoever can write the row must not be able to buy unbounded work.
func parsePHC(phc string) (p params, salt, key []byte, err error) {
	parts := strings.Split(phc, "$")
	if len(parts) != 6 || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return p, nil, nil, errBadHash
	}
	if n, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &p.memory, &p.passes, &p.threads); n != 3 || err != nil ||
		p.memory > 1<<20 || p.passes == 0 || p.passes > 32 || p.threads == 0 || p.threads > 16 {
		return p, nil, nil, errBadHash
	}
	salt, err1 := base64.RawStdEncoding.DecodeString(parts[4])
	key, err2 := base64.RawStdEncoding.DecodeString(parts[5])
	if err1 != nil || err2 != nil || len(key) < 16 || len(key) > 64 {
		return p, nil, nil, errBadHash
	}
	return p, salt, key, nil
}
