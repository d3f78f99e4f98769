package config

import (
	"net"
	"net/url"
	"strings"
)

// checkJobs finds what is wrong with where jobs are posted to. What the places and
// the secret look like is checked by those who use them.
func (c *Config) checkJobs(fault func(format string, args ...any)) {
	if c.AppJobsURL == "" {
		if c.AppJobsSecret != "" {
			fault("SEAWORTHY_APP_JOBS_URL must be set when SEAWORTHY_APP_JOBS_SECRET is")
		}
		return
	}
	u, err := url.Parse(c.AppJobsURL)
	if err != nil || u.Hostname() == "" || u.User != nil || u.Fragment != "" || u.Scheme != "http" && u.Scheme != "https" {
		fault("SEAWORTHY_APP_JOBS_URL must look like http://127.0.0.1:3000/jobs, not %q", c.AppJobsURL)
	}
}

// JobPlaces are the places of the own network that jobs may be posted to, as
// dial.Allow reads them; in development all of this machine.
func (c Config) JobPlaces() []string {
	places := strings.Fields(c.JobsAllow)
	if !c.Production() {
		places = append(places, "127.0.0.0/8", "::1/128")
	}
	if u, err := url.Parse(c.AppJobsURL); err == nil && c.AppJobsURL != "" {
		port := u.Port()
		if port == "" {
			port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
		}
		places = append(places, net.JoinHostPort(u.Hostname(), port))
	}
	return places
}

// AlertPlaces are the places of the own network that alerts may be posted to, as JobPlaces.
func (c Config) AlertPlaces() []string {
	places := strings.Fields(c.AlertsAllow)
	if !c.Production() {
		places = append(places, "127.0.0.0/8", "::1/128")
	}
	return places
}
