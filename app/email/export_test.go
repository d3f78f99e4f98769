package email

// Waiting is how many requests wait for mail.
func (s *System) Waiting() int { return len(s.waiting) }
