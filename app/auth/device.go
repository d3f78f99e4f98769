package auth

import (
	"github.com/mileusna/useragent"

	"seaworthy/app/email"
	"seaworthy/app/web"
	"seaworthy/store"
)

// recognize finds the device of a sign-in by its cookie, or adds it. A user who
// has signed in on others is told of a new one by mail, in the same transaction:
// it is how somebody learns that the password is known to another.
func (s *System) recognize(tx *store.Tx, cookie token, u user) (id string, err error) {
	o := web.OriginOf(tx.Context())
	label := deviceLabel(o.UserAgent)
	id, err = touchDevice(tx, cookie.hash(), u.id, label)
	if !isNotFound(err) {
		return id, err
	}
	others, err := hasDevice(tx, u.id)
	if err != nil {
		return "", err
	}
	id = tx.NewID("dev")
	if err := insertDevice(tx, id, cookie.hash(), u.id, label); err != nil || !others {
		return id, err
	}
	_, err = s.Mail.Send(tx, email.Message{To: u.email.typed, Template: "auth/new_device", User: u.id, Vars: map[string]string{
		"Name": u.name, "When": tx.Now().Format("2 Jan 2006, 15:04 UTC"), "Device": label, "Address": o.Addr.String(),
		"URL": s.URL + "/-/account/sessions"}})
	return id, err
}

// deviceLabel names a browser and its system for people, as "Firefox on Linux".
func deviceLabel(ua string) string {
	p := useragent.Parse(ua)
	switch {
	case p.Name == "" || ua == "":
		return "Unknown device"
	case p.OS == "":
		return web.CleanText(p.Name, 60)
	}
	return web.CleanText(p.Name, 60) + " on " + web.CleanText(p.OS, 40)
}

func deviceIcon(ua string) string {
	if p := useragent.Parse(ua); p.Mobile || p.Tablet {
		return "smartphone"
	}
	return "monitor"
}

// label names the device of a session for its user.
func (se signedIn) label() string {
	if se.support {
		return "Support session"
	}
	return deviceLabel(se.ua)
}

func (se signedIn) icon() string {
	if se.support {
		return "users"
	}
	return deviceIcon(se.ua)
}
