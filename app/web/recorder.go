package web

import (
	"errors"
	"fmt"
	"net/http"
)

// recorder remembers what was answered.
type recorder struct {
	http.ResponseWriter
	stop   <-chan struct{} // closed when the process is about to stop; may be nil
	status int             // 0: nothing yet
	bytes  int64
}

// begin is called once, with the status of the answer whose header is about to be sent.
func (r *recorder) begin(status int) {
	r.status = status
	if status != http.StatusSwitchingProtocols {
		r.sayGoodbye()
	}
}

// sayGoodbye has the connection closed behind this answer, and its client told, if the
// process is about to stop: who uses the connection again would find it closed under his
// request. That is seen as late as can be, for a request that was here before may end after.
// Over HTTP/2 it becomes a GOAWAY.
func (r *recorder) sayGoodbye() {
	select {
	case <-r.stop:
		r.Header().Set("Connection", "close")
	default:
	}
}

// WriteHeader implements http.ResponseWriter. What is only said in between, as 103 Early
// Hints (RFC 8297), is no answer yet; 101 ends the exchange.
func (r *recorder) WriteHeader(status int) {
	if r.status == 0 && (status >= 200 || status == http.StatusSwitchingProtocols) {
		r.begin(status)
	}
	r.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter. Its errors are errUnsent.
func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.begin(http.StatusOK)
	}
	n, err := r.ResponseWriter.Write(b)
	r.bytes += int64(n)
	if err != nil && !errors.Is(err, http.ErrBodyNotAllowed) && !errors.Is(err, http.ErrContentLength) {
		err = fmt.Errorf("%w: %w", errUnsent, err)
	}
	return n, err
}

// errUnsent says that an answer did not reach its client, who went away or does not read:
// no fault of ours, and nobody is there to hear of it.
var errUnsent = errors.New("the answer could not be sent")

// Flush implements http.Flusher, which compression asks for.
func (r *recorder) Flush() {
	if r.status == 0 {
		r.begin(http.StatusOK)
	}
	http.NewResponseController(r.ResponseWriter).Flush()
}

// Unwrap lets http.ResponseController reach the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
