package config

import (
	"strings"
	"time"
)

// CopiesKept is how long daily copies stay.
func (c Config) CopiesKept() time.Duration { return time.Duration(c.CopiesDays) * 24 * time.Hour }

// checkCopies looks at where daily copies go.
func (c *Config) checkCopies(fault func(format string, args ...any)) {
	if c.Copies == "" {
		if c.CopiesRecipients != "" {
			fault("SEAWORTHY_COPIES must be set when SEAWORTHY_COPIES_RECIPIENTS is")
		}
		return
	}
	if strings.HasPrefix(c.Copies, "s3://") && strings.TrimSpace(c.CopiesRecipients) == "" {
		fault("SEAWORTHY_COPIES_RECIPIENTS must be set when copies go to a bucket: age1..., whose identity is kept elsewhere ('age-keygen -o key.txt' makes one). They hold everything that your customers trust you with")
	}
	if c.CopiesDays < 1 {
		fault("SEAWORTHY_COPIES_DAYS must be 1 or more, not %d", c.CopiesDays)
	}
	if (c.CopiesKeyID == "") != (c.CopiesSecret == "") {
		fault("SEAWORTHY_COPIES_KEY_ID and SEAWORTHY_COPIES_SECRET go together")
	}
}
