package observe

import "sync"

// sources count who runs which statement: a route, or a kind of job.
type sources struct {
	mu  sync.Mutex
	all map[sourceKey]*sourceCount
}

type sourceKey struct {
	query  string
	source Series
}

type sourceCount struct {
	n  int64
	us int64
}

// mostSources bounds how many pairs are told apart between two writes to the file.
const mostSources = 20_000

// add counts what a request or job ran.
func (s *sources) add(source Series, uses []use) {
	if len(uses) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = map[sourceKey]*sourceCount{}
	}
	for i := range uses {
		u := &uses[i]
		key := sourceKey{u.shape.ID, source}
		c := s.all[key]
		if c == nil {
			if len(s.all) >= mostSources {
				key.source.Name = otherName
			}
			if c = s.all[key]; c == nil {
				c = &sourceCount{}
				s.all[key] = c
			}
		}
		c.n += int64(u.n)
		c.us += u.took.Microseconds()
	}
}

func (s *sources) take() map[sourceKey]*sourceCount {
	s.mu.Lock()
	defer s.mu.Unlock()
	taken := s.all
	s.all = nil
	return taken
}

// back returns what could not be stored.
func (s *sources) back(taken map[sourceKey]*sourceCount) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = taken
		return
	}
	for key, c := range taken {
		if have := s.all[key]; have != nil {
			have.n, have.us = have.n+c.n, have.us+c.us
		} else {
			s.all[key] = c
		}
	}
}

// by reads what is counted of one source and not stored yet.
func (s *sources) by(source Series, fn func(query string, c sourceCount)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, c := range s.all {
		if key.source == source {
			fn(key.query, *c)
		}
	}
}

// of reads what is counted of one statement and not stored yet.
func (s *sources) of(query string, fn func(Series, sourceCount)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, c := range s.all {
		if key.query == query {
			fn(key.source, *c)
		}
	}
}
