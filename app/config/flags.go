package config

import (
	"net/url"
	"slices"
)

// FlagOrigins are the sites whose pages may ask for flags. In development that is
// every one: there is nothing to protect, and pages come from many ports.
func (c Config) FlagOrigins() []string {
	if !c.Production() {
		return []string{"*"}
	}
	return slices.Clone(c.FlagsOrigins)
}

func (c *Config) checkFlags(fault func(format string, args ...any)) {
	for _, o := range c.FlagsOrigins {
		u, err := url.Parse(o)
		if o != "*" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.Path != "" || u.RawQuery != "" || u.User != nil) {
			fault("SEAWORTHY_FLAGS_ORIGINS must list origins such as https://www.example.com, or *; not %q", o)
		}
	}
}
