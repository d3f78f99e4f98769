package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Days is a length of time that people give in days, as "90d", or as Go writes
// one, as "12h".
type Days time.Duration

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Days) UnmarshalText(text []byte) error {
	number, isDays := strings.CutSuffix(string(text), "d")
	var length time.Duration
	var err error
	if isDays {
		var n uint64
		n, err = strconv.ParseUint(number, 10, 16)
		length = time.Duration(n) * 24 * time.Hour
	} else {
		length, err = time.ParseDuration(number)
	}
	if err != nil || length <= 0 {
		return fmt.Errorf("%q is no length of time such as 90d or 12h", text)
	}
	*d = Days(length)
	return nil
}
