package auth

import (
	"context"
	"net/http"
	"net/url"

	"seaworthy/app/auth/oidc"
	"seaworthy/app/web"
	"seaworthy/store"
)

// confirmData is what can be shown to confirm who one is.
type confirmData struct {
	mfaData
	Email     string
	Providers []*oidc.Provider // other sites that can confirm it; see elsewhere
}

func (s *System) confirmData(ctx context.Context, method, next string, sent bool) (confirmData, error) {
	id := web.IdentityOf(ctx)
	d := confirmData{mfaData: mfaData{Next: web.LocalPath(next, "/-/account"), Sent: sent}}
	return d, s.DB.Read(ctx, func(tx *store.Tx) error {
		u, err := userByID(tx, id.User)
		if err != nil {
			return err
		}
		d.Email = u.email.typed
		if d.Methods, err = s.ways(tx, u); err != nil {
			return err
		}
		if d.Method = method; !d.Has(method) && len(d.Methods) > 0 {
			d.Method = d.Methods[0]
		}
		if d.Phone, err = phoneLabel(tx, u.id); err != nil {
			return err
		}
		d.Providers, err = s.elsewhere(tx, u)
		return err
	})
}

func (s *System) confirmPage(w http.ResponseWriter, r *http.Request) error {
	if web.IdentityOf(r.Context()).Impersonator != "" {
		return errImpersonating
	}
	q := r.URL.Query()
	data, err := s.confirmData(r.Context(), q.Get("method"), q.Get("next"), q.Get("sent") != "")
	if err != nil {
		return err
	}
	return s.Pages.Render(w, r, "auth/confirm", web.View{Title: "Confirm who you are", Data: data})
}

func (s *System) confirmForm(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[confirmInput](r)
	if err != nil {
		return err
	}
	if err := s.confirmBy(r.Context(), in); err != nil {
		return s.confirmAgain(w, r, in, in.Method == string(smsFactor) || in.Method == methodEmail, err)
	}
	return web.SeeOther(w, r, web.LocalPath(in.Next, "/-/account"))
}

func (s *System) confirmAgain(w http.ResponseWriter, r *http.Request, in confirmInput, sent bool, err error) error {
	data, failed := s.confirmData(r.Context(), in.Method, in.Next, sent)
	if failed != nil {
		return failed
	}
	return s.again(w, r, "auth/confirm", web.View{Title: "Confirm who you are", Data: data}, nil, err)
}

func (s *System) confirmAPI(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[confirmInput](r)
	if err != nil {
		return err
	}
	return noContent(w, s.confirmBy(r.Context(), in))
}

type confirmCodeInput struct {
	Method string `json:"method" doc:"sms or email"`
	Next   string `json:"next,omitempty" doc:"Page to come back to"`
}

func (s *System) confirmCodeForm(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[confirmCodeInput](r)
	if err != nil {
		return err
	}
	if err := s.sendConfirmCode(r.Context(), in.Method); err != nil {
		return s.confirmAgain(w, r, confirmInput{Method: in.Method, Next: in.Next}, false, err)
	}
	return web.SeeOther(w, r, "/-/confirm?"+url.Values{"method": {in.Method}, "sent": {"1"}, "next": {web.LocalPath(in.Next, "/-/account")}}.Encode())
}

func (s *System) confirmCodeAPI(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[confirmCodeInput](r)
	if err != nil {
		return err
	}
	return noContent(w, s.sendConfirmCode(r.Context(), in.Method))
}
