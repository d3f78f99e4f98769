package observe

// export hands the spans of a trace to whoever collects them elsewhere.
func (s *System) export([]spanRow) {}
