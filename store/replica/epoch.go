package replica

import (
	"context"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/benbjohnson/litestream"
)

// currentName is the object at the root that names the newest epoch.
const currentName = "current.json"

// keptEpochs is how many earlier epochs current.json names.
const keptEpochs = 100

// epochName is e<NNNN>-<id>: the number orders epochs for people, the random id
// makes each one's keys its own even when two machines begin one at once.
var epochName = regexp.MustCompile(`^e(\d{4,})-[a-z2-7]{8}$`)

// current is the content of current.json.
type current struct {
	Epoch    string    `json:"epoch"`
	Previous []string  `json:"previous,omitempty"` // newest first; still restorable
	Begun    time.Time `json:"begun"`

	tag string
}

// readCurrent returns the pointer; a zero one when the replica has none.
func readCurrent(ctx context.Context, r root) (current, error) {
	data, tag, err := r.get(ctx, currentName)
	if errors.Is(err, fs.ErrNotExist) {
		return current{}, nil
	}
	if err != nil {
		return current{}, fmt.Errorf("read %s: %w", currentName, err)
	}
	c := current{tag: tag}
	if err := json.Unmarshal(data, &c); err != nil || !epochName.MatchString(c.Epoch) {
		return current{}, fmt.Errorf("read %s: %w", currentName, errDamaged)
	}
	return c, nil
}

var errDamaged = errors.New("it names no epoch")

// epochs are the names to look in for data, newest first.
func (c current) epochs() []string {
	if c.Epoch == "" {
		return nil
	}
	return append([]string{c.Epoch}, c.Previous...)
}

// begin makes a fresh epoch the current one. known is an epoch whose number the
// new one must exceed, or "".
func begin(ctx context.Context, r root, random io.Reader, now time.Time, known string) (string, error) {
	c, err := readCurrent(ctx, r)
	if err != nil {
		return "", err
	}
	names, err := r.list(ctx)
	if err != nil {
		return "", err
	}
	number := epochNumber(known)
	for _, name := range append(names, c.epochs()...) {
		number = max(number, epochNumber(name))
	}
	id := make([]byte, 5)
	if _, err := io.ReadFull(random, id); err != nil {
		return "", fmt.Errorf("draw an epoch's id: %w", err)
	}
	suffix := strings.ToLower(base32.StdEncoding.EncodeToString(id))
	next := current{Epoch: fmt.Sprintf("e%04d-%s", number+1, suffix), Begun: now.UTC(), Previous: c.epochs()}
	next.Previous = next.Previous[:min(len(next.Previous), keptEpochs)]
	data, err := json.MarshalIndent(next, "", "  ")
	if err != nil {
		return "", err
	}
	if err := r.put(ctx, currentName, append(data, '\n'), c.tag); err != nil {
		return "", fmt.Errorf("begin %s: %w", next.Epoch, err)
	}
	return next.Epoch, nil
}

// epochNumber is the number in an epoch's name, 0 when it is not one.
func epochNumber(name string) int {
	m := epochName.FindStringSubmatch(name)
	if m == nil {
		return 0
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		return 0
	}
	return n
}

// holdsData tells whether any of the names at a root leads to data: an epoch
// that has got some, or what Litestream writes without epochs.
func holdsData(ctx context.Context, rep Replica, names []string) (bool, error) {
	for _, name := range names {
		switch name {
		case "ltx", "generations", "0000", "0001", "0002", "0003", "0009":
			return true, nil
		}
		if epochNumber(name) == 0 {
			continue
		}
		oldest, err := oldestIn(ctx, newBounded(callTimeout, func() litestream.ReplicaClient { return newClient(rep, name) }))
		if err != nil || !oldest.IsZero() {
			return true, err
		}
	}
	return false, nil
}
