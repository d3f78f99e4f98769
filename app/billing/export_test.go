package billing

import "time"

// SetHookRead bounds how long the body of an event may take.
func SetHookRead(s *System, d time.Duration) { s.hookRead = d }
