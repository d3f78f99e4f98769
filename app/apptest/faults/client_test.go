//go:build faults

package faults

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// answer is a response that was read to its end.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// code is the code of an application/problem+json, "" for anything else.
func (a answer) code() string {
	var p struct{ Code string }
	if a.header.Get("Content-Type") != "application/problem+json" || json.Unmarshal(a.body, &p) != nil {
		return ""
	}
	return p.Code
}

func (a answer) String() string { return fmt.Sprintf("%d %s", a.status, a.body) }

func (c *child) do(method, path, cookie, body string) (answer, error) {
	req, err := http.NewRequest(method, c.url+path, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Accept", "application/json")
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if cookie != "" {
		req.Header.Set("Cookie", cookie)
	}
	res, err := c.client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return answer{res.StatusCode, res.Header, text}, err
}

// get wants an answer, whatever it is.
func (c *child) get(path, cookie string) answer {
	c.t.Helper()
	a, err := c.do("GET", path, cookie, "")
	must(c.t, err)
	return a
}

// person is a sign-up that was acknowledged: its 201 was read to the end.
type person struct{ email, user, session, cookie string }

// signUp signs an address up. The person is zero unless the answer is a 201.
func (c *child) signUp(email string) (person, answer, error) {
	a, err := c.do("POST", "/-/api/v1/signup", "", fmt.Sprintf(`{"name":"Robin Fault","email":%q,"password":"correct horse battery 9"}`, email))
	if err != nil || a.status != http.StatusCreated {
		return person{}, a, err
	}
	var done struct {
		User    struct{ ID string }
		Session string `json:"session_id"`
	}
	if err := json.Unmarshal(a.body, &done); err != nil {
		return person{}, a, err
	}
	p := person{email: email, user: done.User.ID, session: done.Session}
	for _, cookie := range (&http.Response{Header: a.header}).Cookies() {
		if cookie.Name == "seaworthy_session" {
			p.cookie = cookie.Name + "=" + cookie.Value
		}
	}
	return p, a, nil
}

// knows wants the person's session to work.
func (c *child) knows(p person) {
	c.t.Helper()
	if a := c.get("/-/api/v1/me", p.cookie); a.status != http.StatusOK || !strings.Contains(string(a.body), p.user) {
		c.t.Errorf("/-/api/v1/me of %s: %s", p.email, a)
	}
}

// ready is the status of readiness and what it says of the database.
func (c *child) ready() (status int, database string) {
	c.t.Helper()
	a := c.get("/-/readyz", "")
	var out struct{ Checks map[string]string }
	must(c.t, json.Unmarshal(a.body, &out))
	return a.status, out.Checks["database"]
}

// becomesReady waits for readiness to return.
func (c *child) becomesReady() {
	c.t.Helper()
	eventually(c.t, 15*time.Second, "readiness returns", func() bool { status, _ := c.ready(); return status == http.StatusOK })
}

// metric is the value of a gauge or counter without labels.
func (c *child) metric(name string) float64 {
	c.t.Helper()
	for line := range strings.Lines(string(c.get("/-/metrics", "").body)) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			v, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			must(c.t, err)
			return v
		}
	}
	c.t.Fatalf("there is no metric %s", name)
	return 0
}

// delivered waits until the mail to each person is in the inbox, or was: it made way for two thousand
// newer ones.
func (c *child) delivered(people []person) {
	c.t.Helper()
	db := openSQLite(c.t, dbFile(c.data), "?mode=ro&_pragma=busy_timeout(5000)")
	defer db.Close()
	for _, p := range people {
		eventually(c.t, 30*time.Second, "the mail to "+p.email+" is delivered", func() bool {
			var mails []struct{ To string }
			must(c.t, json.Unmarshal(c.get("/-/dev/inbox?q="+url.QueryEscape(p.email), "").body, &mails))
			if len(mails) == 0 {
				return len(texts(c.t, db, `SELECT m.id FROM email_message m WHERE m.user_id = ? AND m.status = 'sent' AND `+madeWay, p.user)) == 1
			}
			return len(mails) == 1 && mails[0].To == p.email
		})
	}
}
