package email

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/web"
)

const apiBrand = "/-/api/v1/email/brand"

// logoBodyLimit leaves room for the fields beside the file.
const logoBodyLimit = maxLogo + 16<<10

func (s *System) brandRoutes() []web.Route {
	read, manage := web.Permission(permRead), web.Permission(permManage)
	return []web.Route{
		{Method: "GET", Pattern: logoBase + "{file}", Access: web.Public, Handler: s.serveLogo},
		{Method: "GET", Pattern: styleBase + "{file}", Access: web.Public, Handler: s.serveStyle},
		{Method: "GET", Pattern: apiBrand, Access: read, Handler: s.brandAPI, Doc: web.Doc{Summary: "The brand that pages for customers and mails are dressed in", Out: brandJSON{}}},
		{Method: "PUT", Pattern: apiBrand, Access: manage, Handler: s.setBrandAPI, Audit: acts(actBrandChanged),
			Doc: web.Doc{Summary: "Set the brand; what is empty is as configured; 409 unless version is the one in use", In: BrandInput{}, Out: brandJSON{}}},
		{Method: "PUT", Pattern: apiBrand + "/logo", Access: manage, Handler: s.setLogoAPI, Body: maxLogo, Audit: acts(actBrandChanged),
			Doc: web.Doc{Summary: "Set the logo: the body is a PNG, JPEG, GIF or WebP of at most 256 KB; query: version", Out: brandJSON{}}},
		{Method: "DELETE", Pattern: apiBrand + "/logo", Access: manage, Handler: s.dropLogoAPI, Audit: acts(actBrandChanged),
			Doc: web.Doc{Summary: "Go back to the name in words; query: version", Out: brandJSON{}}},
		{Method: "GET", Pattern: pageBrand, Access: read, Handler: web.InConsole(s.brandPage)},
		{Method: "POST", Pattern: pageBrand, Access: manage, Handler: web.InConsole(s.brandSave), Audit: acts(actBrandChanged)},
		{Method: "POST", Pattern: pageBrand + "/logo", Access: manage, Handler: web.InConsole(s.brandLogo), Body: logoBodyLimit, Audit: acts(actBrandChanged)},
		{Method: "POST", Pattern: pageBrand + "/logo/remove", Access: manage, Handler: web.InConsole(s.brandLogoRemove), Audit: acts(actBrandChanged)},
		{Method: "GET", Pattern: pageBrand + "/look", Access: read, Handler: web.InConsole(s.brandLook)},
		{Method: "GET", Pattern: pageBrand + "/sample", Access: read, Handler: web.InConsole(s.brandSample)},
	}
}

// acts are actions as routes declare them.
func acts(all ...audit.Action) (names []string) {
	for _, a := range all {
		names = append(names, string(a))
	}
	return names
}

// brandJSON is the brand as it is set, and what mails show of it.
type brandJSON struct {
	Version int64      `json:"version"`
	Name    string     `json:"name"`
	Accent  string     `json:"accent"`
	Dark    string     `json:"accent_dark"`
	Address string     `json:"address"`
	Support string     `json:"support"`
	Website string     `json:"website"`
	Logo    string     `json:"logo,omitempty"` // absolute URL
	Shown   brandShown `json:"shown"`
	Changed *time.Time `json:"changed_at,omitempty"`
}

// brandShown is what is shown, also where the brand says nothing.
type brandShown struct {
	Name    string `json:"name"`
	Website string `json:"website"`
	Accent  string `json:"accent"`          // of mails; "" for ours
	Style   string `json:"style,omitempty"` // absolute URL of the stylesheet over pages for customers, yours may use it too
}

func (s *System) tellBrand(w http.ResponseWriter, r *http.Request) error {
	b, shown := *s.brand.Load(), s.brandNow(r.Context())
	out := brandJSON{Version: b.version, Name: b.name, Accent: b.accent, Dark: b.dark, Address: b.address, Support: b.support, Website: b.website,
		Shown: brandShown{Name: shown.Name, Website: shown.URL, Accent: shown.Accent}}
	site, dress := strings.TrimSuffix(s.Brand.URL, "/"), s.Dress()
	if dress.Logo != "" {
		out.Logo = site + dress.Logo
	}
	if dress.Style != "" {
		out.Shown.Style = site + dress.Style
	}
	if b.changed != 0 {
		at := time.UnixMilli(b.changed).UTC()
		out.Changed = &at
	}
	return web.JSON(w, http.StatusOK, out)
}

func (s *System) brandAPI(w http.ResponseWriter, r *http.Request) error { return s.tellBrand(w, r) }

func (s *System) setBrandAPI(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[BrandInput](r)
	if err != nil {
		return err
	}
	if err := s.setBrand(r.Context(), in); err != nil {
		return err
	}
	return s.tellBrand(w, r)
}

// versionOf reads the version that a request without a JSON body changes.
func versionOf(text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0, web.Invalid(web.Field{Field: "version", Code: "required", Message: "The version that was changed; 0 for the first."})
	}
	return n, nil
}

func (s *System) setLogoAPI(w http.ResponseWriter, r *http.Request) error {
	version, err := versionOf(r.URL.Query().Get("version"))
	if err != nil {
		return err
	}
	body, _, err := web.ReadBody(r, "image/png", "image/jpeg", "image/gif", "image/webp", "application/octet-stream")
	if err != nil {
		return err
	}
	if err := s.setLogo(r.Context(), version, body); err != nil {
		return err
	}
	return s.tellBrand(w, r)
}

func (s *System) dropLogoAPI(w http.ResponseWriter, r *http.Request) error {
	version, err := versionOf(r.URL.Query().Get("version"))
	if err != nil {
		return err
	}
	if err := s.dropLogo(r.Context(), version); err != nil {
		return err
	}
	return s.tellBrand(w, r)
}
