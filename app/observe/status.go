package observe

import "os"

// Status is how the telemetry itself fares.
type Status struct {
	Problem  string // why nothing can be kept now, in words; "" when all is well
	Segments int
	Bytes    int64 // of all segments
	Dropped  map[Drop]int64
}

// Status reads how the telemetry fares.
func (s *System) Status() Status {
	st := Status{Dropped: s.Dropped()}
	if reason, _ := s.files.trouble.Load().(string); reason != "" {
		st.Problem = why[reason]
	}
	for _, n := range s.files.numbers() {
		if f, err := os.Stat(s.files.segmentPath(n)); err == nil {
			st.Segments, st.Bytes = st.Segments+1, st.Bytes+f.Size()
		}
	}
	return st
}
