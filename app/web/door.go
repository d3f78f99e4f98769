package web

import "net/http"

// atDoor asks a route's Enter, if it has one, before a session is looked up, a body
// read or a stack grown for a request: in a flood, what is turned away must cost
// close to nothing. Whoever is not admitted has been answered. The log of requests
// has the status; an error line for each would be part of the flood.
func (s *Server) atDoor(w http.ResponseWriter, r *http.Request) (leave func(), admitted bool) {
	door := s.doors[r.Method+" "+r.URL.Path]
	if door == nil {
		return func() {}, true
	}
	leave, err := door()
	if err == nil {
		return leave, true
	}
	OriginOf(r.Context()).Route = r.Method + " " + r.URL.Path
	e := AsError(err)
	if !WantsJSON(r) || e.Status != http.StatusServiceUnavailable {
		s.respondError(w, r, err)
		return nil, false
	}
	setRetryAfter(w, e)
	w.Header().Set("Connection", "close") // and what it takes is free for the next
	WriteProblem(w, e, OriginOf(r.Context()).RequestID)
	return nil, false
}
