package email

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/mail"
	"net/url"
	"strings"

	"seaworthy/app/accent"
	"seaworthy/app/audit"
	"seaworthy/app/email/compose"
	"seaworthy/app/web"
	"seaworthy/store"
)

// brandRow is the brand as it was set in the console. Empty fields are as configured.
type brandRow struct {
	version                                       int64
	name, accent, address, support, website, logo string
	dark                                          string // the accent in the dark theme of pages
	kind                                          string // of the logo, image/…
	width, height                                 int    // of the logo, in its own pixels
	changed                                       int64  // unix ms; 0: never
}

// logo in mails: as high as two lines of its header, and never half as wide as the card.
const maxLogoHeight, maxLogoWidth = 48, 240

// shown is the size of the logo where it has so much room.
func (b brandRow) shown(maxWidth, maxHeight int) (width, height int) {
	if b.width < 1 || b.height < 1 {
		return 0, 0
	}
	scale := min(1, float64(maxHeight)/float64(b.height), float64(maxWidth)/float64(b.width))
	return max(1, int(float64(b.width)*scale+0.5)), max(1, int(float64(b.height)*scale+0.5))
}

// brandNow is what mails are dressed in: the brand of the console, and where it
// says nothing that of the configuration. It is kept in memory, changed at commit.
func (s *System) brandNow(context.Context) compose.Brand { return s.dress(*s.brand.Load()) }

func (s *System) dress(b brandRow) compose.Brand {
	brand := s.Brand
	brand.Name, brand.URL, brand.Accent = cmp.Or(b.name, brand.Name), cmp.Or(b.website, brand.URL), cmp.Or(b.accent, brand.Accent)
	brand.Address, brand.Support = b.address, b.support
	if b.logo != "" && logoKinds[b.kind].mailed {
		brand.Logo = strings.TrimSuffix(s.Brand.URL, "/") + logoPath(b.logo, b.kind)
		brand.LogoW, brand.LogoH = b.shown(maxLogoWidth, maxLogoHeight)
	}
	return brand
}

// BrandInput is the brand as people set it. What is empty is as configured.
type BrandInput struct {
	Version int    `json:"version"` // that was changed; 0 for the first
	Name    string `json:"name"`
	Accent  string `json:"accent"`      // #rrggbb
	Dark    string `json:"accent_dark"` // that of the dark theme of pages; "" for one made of the accent
	Address string `json:"address"`
	Support string `json:"support"`
	Website string `json:"website"`
}

// check tidies what was typed and says what is wrong with it.
func (in *BrandInput) check() error {
	var c web.Check
	in.Name = c.Text("name", in.Name, 0, 80)
	in.Accent, in.Dark = strings.ToLower(strings.TrimSpace(in.Accent)), strings.ToLower(strings.TrimSpace(in.Dark))
	c.Fault(in.Accent == "" || accent.Valid(in.Accent), "accent", "color", "A colour such as #0f5c8c.")
	c.Fault(in.Dark == "" || accent.Valid(in.Dark), "accent_dark", "color", "A colour such as #7db4e0.")
	c.Fault(in.Dark == "" || in.Accent != "", "accent_dark", "alone", "Set the accent colour as well.")
	in.Address = strings.TrimSpace(strings.ReplaceAll(in.Address, "\r\n", "\n"))
	lines := strings.Split(in.Address, "\n")
	c.Fault(len(lines) <= 6, "address", "too_long", "At most 6 lines.")
	for i := range lines {
		lines[i] = c.Text("address", lines[i], 0, 100)
	}
	in.Address = strings.Join(lines, "\n")
	in.Support = strings.TrimSpace(in.Support)
	if in.Support != "" {
		a, err := mail.ParseAddress(in.Support)
		c.Fault(err == nil && a.Name == "" && len(a.Address) <= 254, "support", "email", "An address such as help@example.com.")
		if err == nil {
			in.Support = a.Address
		}
	}
	in.Website = strings.TrimSpace(in.Website)
	if in.Website != "" {
		u, err := url.Parse(in.Website)
		c.Fault(err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != "" && u.User == nil && len(in.Website) <= 500 && !strings.ContainsAny(in.Website, " \t\n"),
			"website", "url", "An address such as https://example.com.")
	}
	return c.Err()
}

// errStale says that somebody else was faster.
var errStale = &web.Error{Status: http.StatusConflict, Code: "stale",
	Public: "Somebody changed this since you opened it. Nothing was saved: look at their version, then do yours again."}

// setBrand saves the brand, unless another version than the one that was changed
// is in use. What is already so is no change.
func (s *System) setBrand(ctx context.Context, in BrandInput) error {
	if err := in.check(); err != nil {
		return err
	}
	return s.changeBrand(ctx, int64(in.Version), func(_ *store.Tx, b *brandRow) error {
		b.name, b.accent, b.dark, b.address, b.support, b.website = in.Name, in.Accent, in.Dark, in.Address, in.Support, in.Website
		return nil
	})
}

// changeBrand applies a change to the brand in use and records it.
func (s *System) changeBrand(ctx context.Context, version int64, change func(*store.Tx, *brandRow) error) error {
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		was, err := brandOf(tx)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if was.version != version {
			return errStale
		}
		now := was
		if err := change(tx, &now); err != nil {
			return err
		}
		return s.putBrand(tx, was, now)
	})
}

// putBrand stores a brand and records what changed. What is already so is no change.
func (s *System) putBrand(tx *store.Tx, was, now brandRow) error {
	changes := brandChanges(was, now)
	if len(changes) == 0 {
		return nil
	}
	now.version, now.changed = was.version+1, tx.Now().UnixMilli()
	if err := saveBrand(tx, now); err != nil {
		return fmt.Errorf("save the brand: %w", err)
	}
	tx.AfterCommit(func() { s.brand.Store(&now) })
	return s.Audit.Record(tx, audit.Event{Action: actBrandChanged, Targets: []audit.Ref{{Type: "brand", ID: "brand"}}, Changes: changes})
}

func brandChanges(was, now brandRow) map[string]audit.Change {
	changes := map[string]audit.Change{}
	for field, v := range map[string][2]string{"name": {was.name, now.name}, "accent": {was.accent, now.accent}, "accent_dark": {was.dark, now.dark}, "address": {was.address, now.address},
		"support": {was.support, now.support}, "website": {was.website, now.website}, "logo": {was.logo, now.logo}} {
		if v[0] != v[1] {
			changes[field] = audit.Change{From: v[0], To: v[1]}
		}
	}
	return changes
}
