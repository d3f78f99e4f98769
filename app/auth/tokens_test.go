package auth_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"seaworthy/app/apptest"
	"seaworthy/store"
)

// oauthFault is a refusal of an OAuth endpoint.
func oauthFault(t *testing.T, p apptest.Page, status int, code string) {
	t.Helper()
	var fault struct{ Error, Error_description string }
	p.Want(status).JSON(&fault)
	if fault.Error != code || p.Header.Get("Content-Type") != "application/json" || p.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("got %s (%v), want %s", p.Body, p.Header, code)
	}
}

// refreshed is the answer to a refresh that worked.
func refreshed(p apptest.Page) (t apptest.Tokens) {
	p.Want(200).JSON(&t)
	return t
}

// publicKeys are the published keys by name, as somebody else's program reads them.
func publicKeys(a *apptest.App) map[string]*ecdsa.PublicKey {
	a.T.Helper()
	var set struct {
		Keys []struct{ Kid, Kty, Crv, Alg, Use, X, Y, D string }
	}
	p := a.Browser().Get("/-/.well-known/jwks.json").Want(200).JSON(&set)
	if p.Header.Get("Cache-Control") != "public, max-age=300" || p.Header.Get("Access-Control-Allow-Origin") != "*" || strings.Contains(p.Body, `"d"`) {
		a.T.Errorf("key set: %v\n%s", p.Header, p.Body)
	}
	keys := map[string]*ecdsa.PublicKey{}
	for _, k := range set.Keys {
		x, err1 := base64.RawURLEncoding.DecodeString(k.X)
		y, err2 := base64.RawURLEncoding.DecodeString(k.Y)
		if err1 != nil || err2 != nil || len(x) != 32 || len(y) != 32 || k.Kty != "EC" || k.Crv != "P-256" || k.Alg != "ES256" || k.Use != "sig" {
			a.T.Fatalf("key %+v", k)
		}
		key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), slices.Concat([]byte{4}, x, y))
		a.Must(err)
		keys[k.Kid] = key
	}
	return keys
}

// offline verifies an access token without asking the server, as an app's own
// backend does.
func offline(a *apptest.App, raw string, keys map[string]*ecdsa.PublicKey) (jwt.MapClaims, error) {
	claims := jwt.MapClaims{}
	_, err := jwt.ParseWithClaims(raw, claims, func(t *jwt.Token) (any, error) {
		key := keys[fmt.Sprint(t.Header["kid"])]
		if key == nil || t.Header["typ"] != "at+jwt" {
			return nil, fmt.Errorf("no key for %v", t.Header)
		}
		return key, nil
	}, jwt.WithValidMethods([]string{"ES256"}), jwt.WithIssuer(a.URL+"/-"), jwt.WithAudience(a.URL), jwt.WithExpirationRequired(), jwt.WithTimeFunc(a.Clock.Now))
	return claims, err
}

func TestProgramSignsIn(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	a.Verified("ada@example.com")
	a.Forget()
	p := a.Browser().PostJSON("/-/api/v1/login", map[string]string{"email": "ADA@example.com", "password": apptest.Password}).Want(200)
	a.Expect(apptest.Happened{Audit: []string{"session.created"}, Jobs: []string{"email.deliver"}, Rows: map[string]int{"auth_session": 1, "auth_device": 1}})
	var members map[string]any
	p.JSON(&members)
	if len(members) != 4 || members["token_type"] != "Bearer" || members["expires_in"] != 300.0 || p.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("answer %s, %v", p.Body, p.Header)
	}
	if cookies := p.Header.Values("Set-Cookie"); len(cookies) != 1 || !strings.HasPrefix(cookies[0], "seaworthy_device=") {
		t.Errorf("cookies %v", cookies) // the device's alone
	}
	var got apptest.Tokens
	p.JSON(&got)
	if !strings.HasPrefix(got.Refresh, "sw_rt_") {
		t.Errorf("refresh token %s", got.Refresh)
	}
	session, user := a.Query(`SELECT max(id) FROM auth_session WHERE kind = 'api'`), a.Query(`SELECT id FROM auth_user`)
	claims, err := offline(a, got.Access, publicKeys(a))
	a.Must(err)
	now := float64(apptest.Epoch.Unix())
	want := map[string]any{"iss": a.URL + "/-", "sub": user, "aud": []any{a.URL}, "client_id": "seaworthy", "iat": now, "exp": now + 300, "auth_time": now,
		"sid": session, "epoch": 0.0, "org": a.PersonalOrg("ada@example.com"), "roles": []any{"owner"}, "permissions": []any{"billing:*", "org:*"}, "amr": []any{"pwd"}, "acr": "aal1"}
	jti := claims["jti"]
	delete(claims, "jti")
	if text, wanted := fmt.Sprint(map[string]any(claims)), fmt.Sprint(want); text != wanted || !strings.HasPrefix(fmt.Sprint(jti), "jwt_") {
		t.Errorf("claims %s\nwant   %s\njti %v", text, wanted, jti)
	}
	program := a.Bearer(got.Access)
	program.Get("/-/api/v1/me").Want(200, session, "ada@example.com")
	program.Get("/-/api/v1/sessions").Want(200, `"kind":"api"`, `"current":true`)
	program.Get("/-/admin").WantProblem(403, "forbidden")

	a.Browser().PostJSON("/-/api/v1/login", map[string]string{"email": "ada@example.com", "password": "not the password"}).WantProblem(401, "credentials")
	a.Browser().PostJSON("/-/api/v1/login", map[string]string{"email": "ada@example.com", "password": apptest.Password, "admin": "yes"}).WantProblem(400, "bad_field", "admin")
}

func TestOperatorsProgramHasTheirPermissions(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	a.Operator("grace@example.com")
	got := a.SignInProgram("grace@example.com")
	claims, err := offline(a, got.Access, publicKeys(a))
	a.Must(err)
	if fmt.Sprint(claims["roles"], claims["permissions"]) != "[operator owner] [* billing:* org:*]" {
		t.Errorf("roles %v, permissions %v", claims["roles"], claims["permissions"])
	}
	program := a.Bearer(got.Access)
	program.Get("/-/admin").Want(200)
	// A permission that is taken away is gone at once here, whatever the token says.
	write(a, `DELETE FROM auth_role_binding WHERE role_id = ?`, "rol_operator")
	program.Get("/-/admin").WantProblem(403, "forbidden")
}

// A token that would be too long to be looked at goes without its lists.
func TestTokenOfManyPermissions(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	a.Verified("ada@example.com")
	a.Must(a.DB.Write(t.Context(), func(tx *store.Tx) error {
		for i := range 600 {
			if _, err := tx.Exec(`INSERT INTO auth_role_permission (role_id, permission) VALUES ('rol_owner', ?)`, fmt.Sprintf("area%d:act", i)); err != nil {
				return err
			}
		}
		return nil
	}))
	held := a.SignInProgram("ada@example.com")
	claims, err := offline(a, held.Access, publicKeys(a))
	a.Must(err)
	if claims["permissions"] != nil || claims["roles"] != nil {
		t.Errorf("claims %v", claims)
	}
	a.Bearer(held.Access).Get("/-/api/v1/me").Want(200, "area599:act")
}

// The forms of pages belong to browsers, also for the token of a person.
func TestProgramsDoNotUsePagesForms(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	a.Verified("ada@example.com")
	program := a.Bearer(a.SignInProgram("ada@example.com").Access)
	a.Forget()
	for _, p := range []apptest.Page{program.Post("/-/account/sessions/revoke", "which", "all"), program.Post("/-/logout"),
		program.Post("/-/login", "email", "ada@example.com", "password", apptest.Password)} {
		if p.Want(403); p.Header.Get("Set-Cookie") != "" {
			t.Errorf("%s sets a cookie", p.Path)
		}
	}
	a.ExpectNothing()
}

func TestAccessTokenExpiresAndIsRefreshed(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	a.Verified("ada@example.com")
	first := a.SignInProgram("ada@example.com")
	a.Clock.Advance(5*time.Minute - time.Second)
	program := a.Bearer(first.Access)
	program.Get("/-/api/v1/me").Want(200)
	a.Clock.Advance(time.Second)
	p := program.Get("/-/api/v1/me")
	p.WantProblem(401, "bad_token")
	if p.Header.Get("WWW-Authenticate") != `Bearer error="invalid_token"` {
		t.Errorf("challenge %q", p.Header.Get("WWW-Authenticate"))
	}
	a.Forget()
	// Clients show the expired token also here; it must not keep them from a new one.
	second := refreshed(program.Post("/-/oauth2/token", "grant_type", "refresh_token", "refresh_token", first.Refresh, "client_id", "seaworthy", "unknown", "x", "scope", ""))
	a.ExpectNothing() // but for the row's count
	if second.Refresh == first.Refresh || second.Type != "Bearer" || second.Expires != 300 {
		t.Errorf("%+v", second)
	}
	a.Bearer(second.Access).Get("/-/api/v1/me").Want(200)
	if n := a.Query(`SELECT refresh_gen FROM auth_session WHERE kind = 'api'`); n != "1" {
		t.Errorf("generation %s", n)
	}
	// Idle and absolute ends are the session's.
	for range 5 {
		a.Clock.Advance(6 * 24 * time.Hour)
		if p := a.Refresh(second.Refresh); p.Status == 200 {
			second = refreshed(p)
		} else {
			oauthFault(t, p, 400, "invalid_grant")
		}
	}
	if n := a.Query(`SELECT refresh_gen FROM auth_session WHERE kind = 'api'`); n != "5" {
		t.Errorf("generation %s after thirty days", n)
	}
}

func TestTokenEndpointRefuses(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	a.Verified("ada@example.com")
	good := a.SignInProgram("ada@example.com")
	session := a.Query(`SELECT id FROM auth_session WHERE kind = 'api'`)
	browser := a.Query(`SELECT id FROM auth_session WHERE kind = 'browser'`)
	a.Forget()
	b := a.Browser()
	const path, form = "/-/oauth2/token", "application/x-www-form-urlencoded"
	oauthFault(t, b.Post(path), 400, "invalid_request")
	oauthFault(t, b.Post(path, "grant_type", "refresh_token"), 400, "invalid_request")
	oauthFault(t, b.Post(path, "grant_type", "refresh_token", "refresh_token", ""), 400, "invalid_request")
	oauthFault(t, b.Post(path, "grant_type", "refresh_token", "grant_type", "refresh_token", "refresh_token", good.Refresh), 400, "invalid_request")
	oauthFault(t, b.Post(path, "grant_type", "password", "username", "ada@example.com", "password", apptest.Password), 400, "unsupported_grant_type")
	oauthFault(t, b.Post(path, "grant_type", "refresh_token", "refresh_token", good.Refresh, "client_id", "other"), 400, "invalid_grant")
	oauthFault(t, b.Post(path, "grant_type", "refresh_token", "refresh_token", good.Refresh, "scope", "admin"), 400, "invalid_scope")
	oauthFault(t, b.Post(path, "grant_type", "refresh_token", "refresh_token", good.Refresh, "client_secret", "x"), 401, "invalid_client")
	oauthFault(t, b.Do("POST", path, "application/json", `{"grant_type":"refresh_token"}`), 400, "invalid_request")
	oauthFault(t, b.Do("POST", path, form, "%zz"), 400, "invalid_request")
	oauthFault(t, b.Do("POST", path, form, "grant_type=%ff"), 400, "invalid_request")
	b.Do("POST", path, form, "refresh_token="+strings.Repeat(".", 1<<20)).WantProblem(413, "too_large")

	parts := strings.Split(good.Refresh, "_") // sw rt session generation mac
	other := strings.Replace(parts[4], parts[4][:1], string("01"[strings.IndexByte("0", parts[4][0])+1]), 1)
	for name, token := range map[string]string{
		"another generation": strings.Join([]string{"sw", "rt", parts[2], "1", parts[4]}, "_"),
		"padded generation":  strings.Join([]string{"sw", "rt", parts[2], "00", parts[4]}, "_"),
		"negative":           strings.Join([]string{"sw", "rt", parts[2], "-1", parts[4]}, "_"),
		"signed":             strings.Join([]string{"sw", "rt", parts[2], "+0", parts[4]}, "_"),
		"another session":    strings.Join([]string{"sw", "rt", strings.TrimPrefix(browser, "ses_"), "0", parts[4]}, "_"),
		"another mac":        strings.Join([]string{"sw", "rt", parts[2], "0", other}, "_"),
		"upper case":         "sw_rt_" + strings.ToUpper(strings.TrimPrefix(good.Refresh, "sw_rt_")),
		"cut":                good.Refresh[:len(good.Refresh)-1], "longer": good.Refresh + "0", "blank": " " + good.Refresh,
		"an access token": good.Access, "a session's id": session, "nothing": "sw_rt_", "an underscore more": good.Refresh + "_",
		"of a browser": a.Auth.RefreshToken(browser, 0), "of nobody": a.Auth.RefreshToken(a.DB.NewID("ses"), 0), "of the future": a.Auth.RefreshToken(session, 7),
	} {
		if p := a.Refresh(token); p.Status != 400 || !strings.Contains(p.Body, `"invalid_grant"`) {
			t.Errorf("%s: %d %s", name, p.Status, p.Body)
		}
	}
	a.ExpectNothing() // no alarm either
	a.Bearer(good.Refresh).Get("/-/api/v1/me").WantProblem(401, "bad_token")
	refreshed(a.Refresh(good.Refresh))
	if strings.Contains(a.Logs(), "request failed") {
		t.Errorf("a client's mistakes are logged as ours:\n%s", a.Logs())
	}
}

func TestRevokeEndpoint(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	a.Verified("ada@example.com")
	b := a.Browser()
	for _, which := range []string{"refresh", "access", "used refresh"} {
		held := a.SignInProgram("ada@example.com")
		token := held.Refresh
		switch which {
		case "access":
			token = held.Access
		case "used refresh":
			held = refreshed(a.Refresh(token))
		}
		a.Forget()
		b.Post("/-/oauth2/revoke", "token", token, "token_type_hint", "whatever").Want(200)
		a.Expect(apptest.Happened{Audit: []string{"session.revoked"}})
		signedOut(t, a.Bearer(held.Access))
		oauthFault(t, a.Refresh(held.Refresh), 400, "invalid_grant")
		b.Post("/-/oauth2/revoke", "token", token).Want(200) // what was wanted is so
		a.ExpectNothing()
	}
	b.Post("/-/oauth2/revoke", "token", "sw_rt_nothing").Want(200)
	b.Post("/-/oauth2/revoke", "token", strings.Repeat(".", 60_000)).Want(200)
	oauthFault(t, b.Post("/-/oauth2/revoke"), 400, "invalid_request")
	a.ExpectNothing()
}

func TestIntrospection(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	a.Verified("ada@example.com")
	held := a.SignInProgram("ada@example.com")
	app := a.Key("auth:introspect")
	a.Forget()
	ask := func(token string) (out map[string]any) {
		t.Helper()
		p := app.Post("/-/oauth2/introspect", "token", token).Want(200).JSON(&out)
		if p.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("headers %v", p.Header)
		}
		return out
	}
	user, session := a.Query(`SELECT id FROM auth_user`), a.Query(`SELECT id FROM auth_session WHERE kind = 'api'`)
	now := float64(apptest.Epoch.Unix())
	access := ask(held.Access)
	if access["active"] != true || access["token_use"] != "access" || access["sub"] != user || access["sid"] != session || access["exp"] != now+300 ||
		access["username"] != "ada@example.com" || access["client_id"] != "seaworthy" || access["iss"] != a.URL+"/-" || fmt.Sprint(access["permissions"]) != "[billing:* org:*]" {
		t.Errorf("access: %v", access)
	}
	refresh := ask(held.Refresh)
	if refresh["active"] != true || refresh["token_use"] != "refresh" || refresh["exp"] != now+7*24*3600 || refresh["sid"] != session {
		t.Errorf("refresh: %v", refresh)
	}
	inactive := func(name, token string) {
		t.Helper()
		if out := ask(token); len(out) != 1 || out["active"] != false {
			t.Errorf("%s: %v", name, out)
		}
	}
	next := refreshed(a.Refresh(held.Refresh)) // asking has not used it up
	inactive("a used token", held.Refresh)
	inactive("a made-up one", "sw_rt_x")
	inactive("dots", strings.Repeat(".", 60_000))
	a.Browser().Post("/-/oauth2/revoke", "token", next.Refresh).Want(200)
	inactive("after revocation, access", next.Access)
	inactive("after revocation, refresh", next.Refresh)
	oauthFault(t, app.Post("/-/oauth2/introspect"), 400, "invalid_request")

	a.Browser().Post("/-/oauth2/introspect", "token", held.Access).WantProblem(401, "signed_out")
	a.Key("auth:other").Post("/-/oauth2/introspect", "token", held.Access).WantProblem(403, "forbidden")
	a.Bearer(a.SignInProgram("ada@example.com").Access).Post("/-/oauth2/introspect", "token", held.Access).WantProblem(403, "forbidden")
}

func TestProgramWithCookiesIsKnownAgain(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	a.Verified("ada@example.com")
	program := a.Browser()
	signIn := func() {
		program.PostJSON("/-/api/v1/login", map[string]string{"email": "ada@example.com", "password": apptest.Password}).Want(200)
	}
	signIn()
	a.Forget()
	signIn()
	a.Expect(apptest.Happened{Audit: []string{"session.created"}, Rows: map[string]int{"auth_session": 1}})
	program.Get("/-/api/v1/me").WantProblem(401, "signed_out") // that cookie signs nobody in
}

// What a token says stays what it was, so that programs can rely on it.
func TestClaimNamesStay(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	a.Verified("ada@example.com")
	part := strings.Split(a.SignInProgram("ada@example.com").Access, ".")
	var names []string
	for _, p := range part[:2] {
		text, err := base64.RawURLEncoding.DecodeString(p)
		a.Must(err)
		var members map[string]any
		a.Must(json.Unmarshal(text, &members))
		for name := range members {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	if got := strings.Join(names, " "); got != "acr alg amr aud auth_time client_id epoch exp iat iss jti kid org permissions roles sid sub typ" {
		t.Errorf("members: %s", got)
	}
}
