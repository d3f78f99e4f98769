package command

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"seaworthy/app/jobs"
	"seaworthy/app/web"
	"seaworthy/queue"
	"seaworthy/store"
)

// remote is a running installation, asked over its API.
type remote struct {
	base, key, agent string
	client           *http.Client
}

// maxAnswered bounds an answer that is read, in bytes.
const maxAnswered = 64 << 20

func newRemote(address, key string, v release) (*remote, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "" {
		return nil, errors.New("--url must look like https://app.example.com")
	}
	if strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, errors.New("that is no API key: they look like sw_op_…")
	}
	// Another place must not be shown the key.
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &remote{base: u.Scheme + "://" + u.Host + "/-/api/v1/jobs", key: key, agent: "seaworthy/" + v.String(), client: &http.Client{Timeout: time.Minute, CheckRedirect: stay}}, nil
}

// call asks, and reads the answer into out unless that is nil.
func (r *remote) call(ctx context.Context, method, path string, in, out any) error {
	if in == nil {
		return r.send(ctx, method, path, "", nil, out)
	}
	raw, err := json.Marshal(in)
	if err != nil {
		return err
	}
	return r.send(ctx, method, path, "application/json", raw, out)
}

// send asks with a body of some kind, none for "". Into a *[]byte the answer is put as it is.
func (r *remote) send(ctx context.Context, method, path, kind string, in []byte, out any) error {
	var body io.Reader = http.NoBody
	if kind != "" {
		body = bytes.NewReader(in)
	}
	req, err := http.NewRequestWithContext(ctx, method, r.base+path, body)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+r.key)
	req.Header.Set("User-Agent", r.agent)
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	res, err := r.client.Do(req)
	if failed := (*url.Error)(nil); errors.As(err, &failed) {
		return fmt.Errorf("%s://%s does not answer: %w", req.URL.Scheme, req.URL.Host, failed.Err)
	}
	if err != nil {
		return err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(res.Body, maxAnswered+1))
	if err != nil {
		return err
	}
	switch {
	case len(raw) > maxAnswered:
		return fmt.Errorf("the answer is larger than %d MB", maxAnswered>>20)
	case res.StatusCode >= 400:
		return refusal(res, raw)
	case res.StatusCode >= 300:
		return fmt.Errorf("the server sends elsewhere, to %s: give that address", plain(res.Header.Get("Location")))
	case out == nil:
		return nil
	}
	if bytes, asIs := out.(*[]byte); asIs {
		*bytes = raw
		return nil
	}
	if err := json.Unmarshal(raw, out); err != nil {
		return fmt.Errorf("no Seaworthy answers at this address: %w", err)
	}
	return nil
}

// refusal is the error that an answer tells of (RFC 9457).
func refusal(res *http.Response, raw []byte) error {
	var p struct {
		Code   string      `json:"code"`
		Detail string      `json:"detail"`
		Errors []web.Field `json:"errors"`
	}
	if json.Unmarshal(raw, &p) != nil || p.Detail == "" {
		return fmt.Errorf("the server answers %s", plain(res.Status))
	}
	if p.Code == "not_found" {
		return store.ErrNotFound
	}
	for i := range p.Errors {
		p.Errors[i].Field, p.Errors[i].Message = plain(p.Errors[i].Field), plain(p.Errors[i].Message)
	}
	return &web.Error{Status: res.StatusCode, Code: p.Code, Public: plain(p.Detail), Fields: p.Errors}
}

// Page implements looker.
func (r *remote) Page(ctx context.Context, want jobs.Sought) (page jobs.JobPage, err error) {
	q := url.Values{"limit": {strconv.Itoa(want.Limit)}}
	for name, value := range map[string]string{"state": string(want.State), "kind": want.Kind, "lane": want.Lane, "org": want.Org, "endpoint": want.Endpoint, "cursor": want.Before} {
		if value != "" {
			q.Set(name, value)
		}
	}
	return page, r.call(ctx, "GET", "?"+q.Encode(), nil, &page)
}

// Job implements looker.
func (r *remote) Job(ctx context.Context, id string) (j jobs.Job, err error) {
	return j, r.call(ctx, "GET", "/"+url.PathEscape(id), nil, &j)
}

// Queues implements looker.
func (r *remote) Queues(ctx context.Context) ([]jobs.QueueState, error) {
	var list struct{ Queues []jobs.QueueState }
	err := r.call(ctx, "GET", "/queues", nil, &list)
	return list.Queues, err
}

// RetryJob implements changer.
func (r *remote) RetryJob(ctx context.Context, id string) error {
	return r.call(ctx, "POST", "/"+url.PathEscape(id)+"/retry", nil, nil)
}

// CancelJob implements changer.
func (r *remote) CancelJob(ctx context.Context, id string) error {
	return r.call(ctx, "POST", "/"+url.PathEscape(id)+"/cancel", nil, nil)
}

// ReplayJobs implements changer.
func (r *remote) ReplayJobs(ctx context.Context, f queue.Filter) (string, error) {
	in := map[string]string{"state": string(f.State), "kind": f.Kind, "lane": f.Queue, "org": f.Org}
	var made struct{ ID string }
	err := r.call(ctx, "POST", "/replay", in, &made)
	return made.ID, err
}

// PauseQueue implements changer.
func (r *remote) PauseQueue(ctx context.Context, name string, paused bool) error {
	act := "/resume"
	if paused {
		act = "/pause"
	}
	return r.call(ctx, "POST", "/queues/"+url.PathEscape(name)+act, nil, nil)
}
