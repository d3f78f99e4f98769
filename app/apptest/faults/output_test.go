//go:build faults

package faults

import (
	"bytes"
	"strings"
	"sync"
)

// says fails unless the output has every one of the words.
func (c *child) says(words ...string) {
	c.t.Helper()
	for _, w := range words {
		if !strings.Contains(c.out.String(), w) {
			c.t.Errorf("the process did not say %q", w)
		}
	}
}

// lines are those of the output that contain a word.
func (c *child) lines(word string) []string {
	var all []string
	for line := range strings.Lines(c.out.String()) {
		if strings.Contains(line, word) {
			all = append(all, line)
		}
	}
	return all
}

// output keeps what a process writes.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

func (o *output) tail(n int) string {
	s := o.String()
	return s[max(0, len(s)-n):]
}
