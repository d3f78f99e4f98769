package command

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"seaworthy/app"
	"seaworthy/app/auth"
)

// world is the demonstration while it is made.
type world struct {
	ctx    context.Context
	a      *app.App
	clock  *pastClock
	url    string
	key    string // of the operator's programs
	jobs   string // address of the app's endpoint
	hash   string // of the password of the many; "" until it is needed
	report string // address that the app's errors go to
	day    int
	prices map[string]string // by plan
	people map[string]*person
	firms  map[string]*firm
}

// person is somebody with a browser.
type person struct {
	name, email string
	client      *http.Client
	agent       string
}

// firm is a customer.
type firm struct {
	slug  string
	owner *person
	id    string // of the org
}

// inside sends requests to the app without a network.
type inside struct{ h func() http.Handler }

// RoundTrip implements http.RoundTripper.
func (t inside) RoundTrip(r *http.Request) (*http.Response, error) {
	own := r.Clone(r.Context())
	own.RequestURI, own.RemoteAddr, own.Host = r.URL.RequestURI(), "203.0.113.20:4000", r.URL.Host
	if strings.HasPrefix(r.URL.Path, "/-/dev/") {
		own.RemoteAddr = "127.0.0.1:4000" // which shows its pages to this machine alone
	}
	if own.Body == nil {
		own.Body = http.NoBody
	}
	w := &heard{header: http.Header{}, status: http.StatusOK}
	t.h().ServeHTTP(w, own)
	return &http.Response{StatusCode: w.status, Header: w.header, Body: &w.body, Request: r, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, ContentLength: int64(w.body.Len())}, nil
}

// heard is what a handler said.
type heard struct {
	header http.Header
	status int
	body   closing
}

type closing struct{ bytes.Buffer }

func (*closing) Close() error { return nil }

func (w *heard) Header() http.Header         { return w.header }
func (w *heard) WriteHeader(status int)      { w.status = status }
func (w *heard) Write(p []byte) (int, error) { return w.body.Write(p) }

// purse keeps cookies whatever their end: in the demonstration it is some weeks ago, and the
// standard library's knows the real time alone.
type purse map[string]string

func (p purse) SetCookies(_ *url.URL, cookies []*http.Cookie) {
	for _, c := range cookies {
		if p[c.Name] = c.Value; c.Value == "" {
			delete(p, c.Name)
		}
	}
}

func (p purse) Cookies(*url.URL) (all []*http.Cookie) {
	for name, value := range p {
		all = append(all, &http.Cookie{Name: name, Value: value})
	}
	return all
}

func (w *world) browser() *http.Client {
	return &http.Client{Jar: purse{}, Transport: inside{func() http.Handler { return w.a.Web }}}
}

// send makes a request and wants it to succeed.
func (w *world) send(client *http.Client, agent, method, path, kind, body string, out any) (string, error) {
	r, err := http.NewRequestWithContext(w.ctx, method, w.url+path, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	r.Header.Set("User-Agent", agent)
	r.Header.Set("Accept", "text/html")
	if kind != "" {
		r.Header.Set("Content-Type", kind)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	if client == nil { // a program
		client = &http.Client{Transport: inside{func() http.Handler { return w.a.Web }}}
		r.Header.Set("Authorization", "Bearer "+w.key)
	}
	if out != nil || kind == "application/json" {
		r.Header.Set("Accept", "application/json")
	}
	res, err := client.Do(r)
	if err != nil {
		return "", fmt.Errorf("%s %s: %w", method, path, err)
	}
	defer res.Body.Close()
	var text bytes.Buffer
	if _, err := text.ReadFrom(res.Body); err != nil {
		return "", err
	}
	if res.StatusCode >= 400 {
		return "", fmt.Errorf("%s %s: %d %s", method, path, res.StatusCode, brief(text.String()))
	}
	if out != nil {
		if err := json.Unmarshal(text.Bytes(), out); err != nil {
			return "", fmt.Errorf("%s %s: %w", method, path, err)
		}
	}
	return text.String(), nil
}

// form submits a form in somebody's browser and returns the page that follows.
func (w *world) form(p *person, path string, pairs ...string) (string, error) {
	f := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		f.Add(pairs[i], pairs[i+1])
	}
	return w.send(p.client, p.agent, "POST", path, "application/x-www-form-urlencoded", f.Encode(), nil)
}

// call makes a program's request to the API.
func (w *world) call(method, path string, in, out any) error {
	body := ""
	if in != nil {
		raw, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = string(raw)
	}
	_, err := w.send(nil, "harbourlight/2.3", method, path, "application/json", body, out)
	return err
}

// settle does all that is due now, at Stripe's and here.
func (w *world) settle() error {
	if err := w.a.Simulator.Advance(w.ctx, 0); err != nil {
		return err
	}
	_, err := w.a.Queue.Drain(w.ctx)
	return err
}

var agents = []string{
	"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
	"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.3 Safari/605.1.15",
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
	"Mozilla/5.0 (iPhone; CPU iPhone OS 18_3 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.3 Mobile/15E148 Safari/604.1",
}

// join signs somebody up and, unless he is careless, has him confirm his address.
func (w *world) join(name, email string, confirms bool) (*person, error) {
	p := &person{name: name, email: email, client: w.browser(), agent: agents[len(w.people)%len(agents)]}
	if _, err := w.form(p, "/-/signup", "name", name, "email", email, "password", demoPassword); err != nil {
		return nil, err
	}
	w.people[email] = p
	if !confirms {
		return p, nil
	}
	token, err := w.mailed(p, "/-/verify")
	if err == nil {
		_, err = w.form(p, "/-/verify", "token", token, "act", "confirm")
	}
	return p, err
}

// mailed is the token in the newest mail to somebody that has a link with this path.
func (w *world) mailed(p *person, path string) (string, error) {
	if _, err := w.a.Queue.Drain(w.ctx); err != nil {
		return "", err
	}
	var mails []struct{ Links []string }
	if _, err := w.send(p.client, p.agent, "GET", "/-/dev/inbox?q="+url.QueryEscape(p.email), "", "", &mails); err != nil {
		return "", err
	}
	for _, m := range mails {
		for _, l := range m.Links {
			u, err := url.Parse(l)
			if err == nil && strings.HasPrefix(u.Path, path) {
				if t := u.Query().Get("token"); t != "" {
					return t, nil
				}
				return strings.TrimPrefix(u.Path, path+"/"), nil
			}
		}
	}
	return "", fmt.Errorf("no mail to %s has a link to %s", p.email, path)
}

// found makes an org of somebody's.
func (w *world) found(slug, name string, owner *person) (*firm, error) {
	var made struct{ ID, Slug string }
	body := fmt.Sprintf(`{"name":%q,"slug":%q}`, name, slug)
	if _, err := w.send(owner.client, owner.agent, "POST", "/-/api/v1/orgs", "application/json", body, &made); err != nil {
		return nil, err
	}
	f := &firm{slug: made.Slug, owner: owner, id: made.ID}
	w.firms[slug] = f
	return f, nil
}

var (
	sessionID = regexp.MustCompile(`cs_[A-Za-z0-9_]+`)
	portalID  = regexp.MustCompile(`bps_[A-Za-z0-9_]+`)
)

// change gives a firm another card at the portal: of some the bank says no later.
func (w *world) change(f *firm, card string) error {
	page, err := w.form(f.owner, "/-/org/"+f.slug+"/billing/portal", "flow", "payment_method_update")
	if err != nil {
		return err
	}
	if err := w.a.Simulator.PortalCard(w.ctx, portalID.FindString(page), card); err != nil {
		return fmt.Errorf("another card: %w", err)
	}
	return w.settle()
}

// buy opens a checkout for a firm and pays it with a test card; without a card it is left open.
func (w *world) buy(f *firm, plan, card string) error {
	page, err := w.form(f.owner, "/-/org/"+f.slug+"/billing/checkout", "price", w.prices[plan], "quantity", "1")
	if err != nil || card == "" {
		return err
	}
	id := sessionID.FindString(page)
	if id == "" {
		return fmt.Errorf("the checkout of %s leads nowhere", f.slug)
	}
	if _, _, err := w.a.Simulator.CompleteCheckout(w.ctx, id, card, false); err != nil {
		return err
	}
	return w.settle()
}

// begin makes the operator, his key, the plans, flags and what the app needs.
func (w *world) begin() error {
	w.people, w.firms, w.prices = map[string]*person{}, map[string]*firm{}, map[string]string{}
	if _, err := w.a.Auth.AddOperator(w.ctx, "Olive Marlowe", demoOperator, demoPassword); err != nil {
		return err
	}
	_, secret, err := w.a.Auth.MakeKey(w.ctx, auth.NewKey{Name: "harbourlight", Permissions: []string{"*"}})
	if err != nil {
		return err
	}
	w.key = secret
	for _, step := range []func() error{w.sell, w.flag, w.work} {
		if err := step(); err != nil {
			return err
		}
	}
	return w.settle()
}

// brief is as much of an answer as an error shows.
func brief(text string) string { return plain(text[:min(len(text), 600)]) }
