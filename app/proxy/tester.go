package proxy

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"seaworthy/app/auth"
	"seaworthy/app/web"
	"seaworthy/store"
)

// testIn asks whether somebody may make a request.
type testIn struct {
	Method     string `json:"method,omitempty"` // GET if left out
	Path       string `json:"path"`
	User       string `json:"user,omitempty"` // id or address; nobody if left out
	Key        string `json:"key,omitempty"`  // id of an API key, in place of a user
	Org        string `json:"org,omitempty"`  // id or slug; his personal one if left out
	TwoFactors bool   `json:"two_factors,omitempty"`
}

// testOut is what the rules say of it.
type testOut struct {
	Allowed bool   `json:"allowed"`
	Status  int    `json:"status"` // that he would get; 200 for passed on
	Rule    int    `json:"rule"`   // that decided, from 1; 0 for none
	Path    string `json:"path,omitempty"`
	Why     string `json:"why"`
}

// test tries a request without making it. The person is taken to have shown who he is
// just now.
func (s *System) test(ctx context.Context, in testIn) (out testOut, err error) {
	var c web.Check
	in.Method = strings.ToUpper(strings.TrimSpace(in.Method))
	if in.Method == "" {
		in.Method = http.MethodGet
	}
	c.Fault(methodForm.MatchString(in.Method), "method", "form", "A method such as GET or POST.")
	in.Path = strings.TrimSpace(in.Path)
	c.Fault(in.Key == "" || in.User == "", "key", "both", "Give a user or a key, not both.")
	u, err := url.Parse(in.Path)
	ok := err == nil && (strings.HasPrefix(in.Path, "/") || u.Scheme == "http" || u.Scheme == "https")
	c.Fault(ok, "path", "form", "A path such as /admin/users, or a whole address.")
	if err := c.Err(); err != nil {
		return out, err
	}
	if u.Path == "/-" || strings.HasPrefix(u.Path, "/-/") {
		return out, web.Invalid(web.Field{Field: "path", Code: "form", Message: "What lies under /-/ is Seaworthy's own and has its own rules."})
	}
	v, err := s.stand(ctx, in)
	if err != nil {
		return out, err
	}
	rules := s.rules.Load().rules
	d, except := decision{rule: -1, why: "there are no rules, so everybody may"}, false
	if len(rules) > 0 {
		path, err := plainPath(u)
		if err != nil {
			return testOut{Status: http.StatusBadRequest, Why: "the address can be read in more than one way"}, nil
		}
		if d, err = s.decide(rules, in.Method, path, v); err != nil {
			return out, err
		}
		except = d.rule >= 0 && rules[d.rule].Restricted
	}
	if d, err = s.restrain(ctx, d, except, in.Method, v); err != nil {
		return out, err
	}
	out = testOut{Allowed: d.refusal == nil, Status: http.StatusOK, Rule: d.rule + 1, Why: d.why}
	if d.rule >= 0 {
		out.Path = rules[d.rule].Path
	}
	if d.refusal != nil {
		out.Status = d.refusal.Status
	}
	return out, nil
}

// stand makes the visitor that somebody would be.
func (s *System) stand(ctx context.Context, in testIn) (*visitor, error) {
	v := &visitor{}
	s.paying(ctx, v)
	if in.Key != "" {
		return v, s.standKey(ctx, v, in)
	}
	if in.User == "" {
		return v, nil
	}
	unknown := func(field, message string) error {
		return web.Invalid(web.Field{Field: field, Code: "unknown", Message: message})
	}
	user, err := s.Auth.FindUser(ctx, in.User)
	if errors.Is(err, store.ErrNotFound) {
		return nil, unknown("user", "There is no such user.")
	}
	if err != nil {
		return nil, err
	}
	err = s.DB.Read(ctx, func(tx *store.Tx) error {
		org := web.Org{}
		if in.Org != "" {
			if org, err = auth.FindOrg(tx, in.Org); errors.Is(err, store.ErrNotFound) {
				return unknown("org", "There is no such org.")
			} else if err != nil {
				return err
			}
		}
		facts, err := s.Auth.Facts(tx, user, org.ID)
		if errors.Is(err, store.ErrNotFound) {
			return unknown("user", "This user is not active.")
		}
		if err != nil {
			return err
		}
		v.id.User, v.id.Proven, v.id.Level = user, tx.Now(), 1
		v.id.Org, _ = facts["org"].(string)
		v.id.Verified, _ = facts["email_verified"].(bool)
		if in.TwoFactors {
			v.id.Level = 2
		}
		v.read = func() (map[string]any, error) { return facts, nil }
		v.id.Permissions, err = auth.PermissionsOf(tx, user, v.id.Org)
		return err
	})
	return v, err
}

// standKey makes v the program that shows an API key.
func (s *System) standKey(ctx context.Context, v *visitor, in testIn) error {
	k, err := store.Read(ctx, s.DB, func(tx *store.Tx) (auth.Key, error) { return auth.FindKey(tx, strings.TrimSpace(in.Key)) })
	if errors.Is(err, store.ErrNotFound) {
		return web.Invalid(web.Field{Field: "key", Code: "unknown", Message: "There is no such key, or it does not work any more."})
	}
	if err != nil {
		return err
	}
	v.id = web.Identity{Key: k.ID, Name: k.Name, Org: k.Org, Permissions: k.Permissions}
	v.read = func() (map[string]any, error) { return s.keyFacts(ctx, k) }
	return nil
}

func (s *System) testAPI(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[testIn](r)
	if err != nil {
		return err
	}
	out, err := s.test(r.Context(), in)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, out)
}
