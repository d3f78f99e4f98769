// Command shop is a small app behind Seaworthy, with nothing but Go's standard
// library. README.md says what to run and what to see.
package main

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"path"
	"slices"
	"strings"
	"time"
)

var client = &http.Client{Timeout: 10 * time.Second}

type object = map[string]any

// shop is the app with what it was told by its environment.
type shop struct {
	seaworthy, key, secret, dsn string
	verifier                    *verifier
}

// call asks Seaworthy: the key says who we are, the idempotency key makes a second
// try harmless.
func (s *shop) call(path string, body any, id string) (out object, err error) {
	text, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequest("POST", s.seaworthy+path, bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer "+s.key)
	r.Header.Set("Content-Type", "application/json")
	if id != "" {
		r.Header.Set("Idempotency-Key", id)
	}
	res, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode >= 300 {
		err = fmt.Errorf("%s answered %d: %s", path, res.StatusCode, answer)
	}
	return out, errors.Join(err, json.Unmarshal(answer, &out))
}

// report tells of an error as Sentry's SDKs do, by hand; in your app the stock SDK
// does it.
func (s *shop) report(failed error) error {
	dsn, err := url.Parse(s.dsn)
	if err != nil {
		return err
	}
	before, project := path.Split(dsn.Path)
	id := strings.ToLower(fmt.Sprintf("%x", randomBytes()))
	var lines bytes.Buffer
	for _, line := range []object{{"event_id": id}, {"type": "event"}, {"event_id": id, "timestamp": time.Now().Unix(), "platform": "go", "level": "error",
		"exception": object{"values": []object{{"type": fmt.Sprintf("%T", failed), "value": failed.Error()}}}}} {
		if err := json.NewEncoder(&lines).Encode(line); err != nil {
			return err
		}
	}
	address := fmt.Sprintf("%s://%s%sapi/%s/envelope/?sentry_key=%s", dsn.Scheme, dsn.Host, before, project, dsn.User.Username())
	res, err := client.Post(address, "application/x-sentry-envelope", &lines)
	if err != nil {
		return err
	}
	return res.Body.Close()
}

func (s *shop) home(r *http.Request) (int, any, error) {
	name, err := url.PathUnescape(r.Header.Get("X-Seaworthy-Name"))
	if name == "" {
		name = "stranger"
	}
	return 200, object{"hello": name}, err
}

func (s *shop) whoami(r *http.Request) (int, any, error) { return 200, s.verifier.whoAsks(r), nil }

func (s *shop) reports(r *http.Request) (int, any, error) {
	if who := s.verifier.whoAsks(r); who == nil || !slices.Contains(who.Entitlements, "reports") {
		return 402, object{"error": "Reports come with a larger plan."}, nil
	}
	return 200, object{"sold": 42}, nil
}

// team is asked only by those whom an access rule in front lets through.
func (s *shop) team(*http.Request) (int, any, error) {
	return 200, object{"team": "only who may be here gets here"}, nil
}

func (s *shop) greeting(r *http.Request) (int, any, error) {
	about := "nobody"
	if who := s.verifier.whoAsks(r); who != nil {
		about = who.Subject
	}
	flag, err := s.call("/-/ofrep/v1/evaluate/flags/greeting", object{"context": object{"targetingKey": about}}, "")
	return 200, object{"greeting": flag["value"]}, err
}

func (s *shop) placeOrder(r *http.Request) (int, any, error) {
	who := s.verifier.whoAsks(r)
	if who == nil {
		return 401, object{"error": "Sign in first."}, nil
	}
	order := fmt.Sprintf("%x", randomBytes())
	if _, err := s.call("/-/api/v1/jobs", object{"kind": "order.pack", "args": object{"order": order, "email": who.Email}}, order); err != nil {
		return 0, nil, err
	}
	_, err := s.call("/-/api/v1/audit/events", object{"action": "order.placed", "actor": object{"type": "user", "id": who.Subject}, "org": who.Org,
		"targets": []object{{"type": "order", "id": order}}}, "placed-"+order)
	return 201, object{"order": order}, err
}

func (s *shop) doJob(r *http.Request) (int, any, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil || !signedByUs(s.secret, r.Header, body) {
		return 401, object{"error": "This was not signed with our secret."}, err
	}
	var job struct {
		ID, Kind string
		Args     struct{ Order, Email string }
	}
	if err := json.Unmarshal(body, &job); err != nil || job.Kind != "order.pack" {
		return 422, object{"error": "No such job is known here."}, nil
	}
	_, err = s.call("/-/api/v1/email/send", object{"to": []string{job.Args.Email}, "subject": "Your order is packed",
		"text": "Order " + job.Args.Order + " is on its way."}, job.ID)
	return 200, object{"packed": job.Args.Order}, err
}

func (s *shop) boom(*http.Request) (int, any, error) {
	return 0, nil, errors.New("the shelf fell down")
}

// answer writes what a handler returns, and reports its errors.
func (s *shop) answer(handle func(*http.Request) (int, any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		status, value, err := handle(r)
		if err != nil {
			status, value = 500, object{"error": "Something went wrong."}
			if err := s.report(err); err != nil {
				log.Print(err)
			}
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		json.NewEncoder(w).Encode(value)
	}
}

func randomBytes() (b [16]byte) {
	rand.Read(b[:])
	return b
}

func main() {
	s := &shop{seaworthy: os.Getenv("SEAWORTHY_URL"), key: os.Getenv("SEAWORTHY_KEY"), secret: os.Getenv("SEAWORTHY_APP_JOBS_SECRET"), dsn: os.Getenv("SENTRY_DSN")}
	s.verifier = &verifier{issuer: s.seaworthy + "/-"}
	mux := http.NewServeMux()
	for pattern, handle := range map[string]func(*http.Request) (int, any, error){
		"GET /{$}": s.home, "GET /whoami": s.whoami, "GET /reports": s.reports, "GET /team": s.team, "GET /greeting": s.greeting,
		"POST /orders": s.placeOrder, "POST /jobs": s.doJob, "GET /boom": s.boom,
	} {
		mux.HandleFunc(pattern, s.answer(handle))
	}
	port := os.Getenv("PORT")
	if port == "" {
		port = "3000"
	}
	l, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("listening on http://%s\n", l.Addr())
	log.Fatal((&http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}).Serve(l))
}
