package email

import (
	"net/http"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/web"
	"seaworthy/store"
)

const categoryBase = "/-/admin/email/categories"

func (s *System) categoryRoutes() []web.Route {
	const all = "/-/api/v1/email/categories"
	read, manage := web.Permission(permRead), web.Permission(permManage)
	put := []string{string(actCategoryMade), string(actCategoryChanged)}
	rotated := []string{string(actKeyRotated)}
	return []web.Route{
		{Method: "GET", Pattern: all, Access: read, Handler: s.categoriesAPI, Doc: web.Doc{Summary: "List the categories of mail that people can unsubscribe from", Out: categoryList{}}},
		{Method: "PUT", Pattern: all + "/{key}", Access: manage, Handler: s.putCategoryAPI, Audit: put,
			Doc: web.Doc{Summary: "Make or change a category; archived takes it off the list of choices", In: categoryInput{}, Out: categoryJSON{}}},
		{Method: "POST", Pattern: "/-/api/v1/email/link-keys/rotate", Access: manage, Handler: s.rotateAPI, Audit: rotated,
			Doc: web.Doc{Summary: "Sign links to unsubscribe with a new key; links that were sent still work", Out: rotatedJSON{}}},
		{Method: "GET", Pattern: categoryBase, Access: read, Handler: web.InConsole(s.categoryPage)},
		{Method: "POST", Pattern: categoryBase, Access: manage, Handler: web.InConsole(s.categoryForm), Audit: put},
	}
}

type categoryJSON struct {
	Key         string    `json:"key"`
	Title       string    `json:"title"`
	Description string    `json:"description"`
	Kind        string    `json:"kind"`
	Consent     bool      `json:"needs_consent"`
	Archived    bool      `json:"archived"`
	TextVersion string    `json:"text_version"` // of title and description: what a consent is to
	Created     time.Time `json:"created_at"`
	Changed     time.Time `json:"changed_at"`
}

type categoryList struct {
	Categories []categoryJSON `json:"categories"`
}

func (c Category) json() categoryJSON {
	return categoryJSON{c.Key, c.Title, c.Description, c.Kind, c.Consent, c.Archived, c.textVersion(), c.Created, c.Changed}
}

func (s *System) categoriesAPI(w http.ResponseWriter, r *http.Request) error {
	all, err := store.Read(r.Context(), s.DB, categories)
	if err != nil {
		return err
	}
	out := categoryList{Categories: []categoryJSON{}}
	for _, c := range all {
		out.Categories = append(out.Categories, c.json())
	}
	return web.JSON(w, http.StatusOK, out)
}

type categoryInput struct {
	Title       string `json:"title" doc:"What people choose by"`
	Description string `json:"description" doc:"What they get"`
	Kind        string `json:"kind" doc:"product or marketing"`
	Consent     bool   `json:"needs_consent,omitempty" doc:"Sent only to those who said yes"`
	Archived    bool   `json:"archived,omitempty" doc:"Taken off the list of choices"`
}

func (s *System) putCategoryAPI(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[categoryInput](r)
	if err != nil {
		return err
	}
	c := Category{Key: r.PathValue("key"), Title: in.Title, Description: in.Description, Kind: in.Kind, Consent: in.Consent, Archived: in.Archived}
	if err := c.check(); err != nil {
		return err
	}
	status := http.StatusOK
	c, err = store.Write(r.Context(), s.DB, func(tx *store.Tx) (Category, error) {
		made, err := s.putCategory(tx, c)
		if err != nil {
			return c, err
		}
		status = http.StatusOK
		if made {
			status = http.StatusCreated
		}
		return categoryByKey(tx, c.Key)
	})
	if err != nil {
		return err
	}
	return web.JSON(w, status, c.json())
}

type rotatedJSON struct {
	Key int64 `json:"key"`
}

func (s *System) rotateAPI(w http.ResponseWriter, r *http.Request) error {
	key, err := store.Write(r.Context(), s.DB, func(tx *store.Tx) (uint64, error) {
		key, err := rotateLinkKey(tx)
		if err != nil {
			return 0, err
		}
		return key, s.Audit.Record(tx, audit.Event{Action: actKeyRotated, Details: map[string]any{"key": key}})
	})
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, rotatedJSON{int64(key)})
}

type categoryPageData struct {
	Done    string
	Manage  bool
	Rows    []Category
	Edit    *Category // whose form is shown; nil for a new one
	Consent bool      // the boxes of the form
	Archive bool
}

func (s *System) categoryPage(w http.ResponseWriter, r *http.Request) error {
	return s.showCategories(w, r, http.StatusOK, nil)
}

func (s *System) showCategories(w http.ResponseWriter, r *http.Request, status int, form *web.Form) error {
	d := categoryPageData{Manage: web.IdentityOf(r.Context()).Can(permManage)}
	if r.URL.Query().Get("done") == "saved" {
		d.Done = "The category is saved."
	}
	var err error
	if d.Rows, err = store.Read(r.Context(), s.DB, categories); err != nil {
		return err
	}
	key := r.URL.Query().Get("edit")
	if form != nil {
		key = form.Value("edit")
	}
	for i := range d.Rows {
		if d.Rows[i].Key == key {
			d.Edit = &d.Rows[i]
		}
	}
	switch {
	case form != nil:
		d.Consent, d.Archive = form.Value("needs_consent") != "", form.Value("archived") != ""
	case d.Edit != nil:
		form = &web.Form{Values: map[string]string{"key": d.Edit.Key, "title": d.Edit.Title, "description": d.Edit.Description, "kind": d.Edit.Kind}}
		d.Consent, d.Archive = d.Edit.Consent, d.Edit.Archived
	}
	return s.Pages.Render(w, r, "email/categories", web.View{Title: "Mail categories", Status: status, Data: d, Form: form})
}

type categoryFormInput struct {
	Edit        string `json:"edit"` // the key of the one that is changed; "" for a new one
	Key         string `json:"key"`
	Title       string `json:"title"`
	Description string `json:"description"`
	Kind        string `json:"kind"`
	Consent     bool   `json:"needs_consent"`
	Archived    bool   `json:"archived"`
}

func (s *System) categoryForm(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[categoryFormInput](r)
	if err != nil {
		return err
	}
	c := Category{Key: in.Key, Title: in.Title, Description: in.Description, Kind: in.Kind, Consent: in.Consent, Archived: in.Archived}
	if in.Edit != "" { // links in mails that were sent name the key, so it stays
		c.Key = in.Edit
	}
	err = c.check()
	if err == nil {
		err = s.DB.Write(r.Context(), func(tx *store.Tx) error {
			if in.Edit == "" { // who makes one must not change another unawares; a PUT says which it means
				if _, err := categoryByKey(tx, c.Key); !isGone(err) {
					if err != nil {
						return err
					}
					return web.Invalid(web.Field{Field: "key", Code: "taken", Message: "There is a category with this key."})
				}
			}
			_, err := s.putCategory(tx, c)
			return err
		})
	}
	if e := web.AsError(err); err != nil && e.Status == http.StatusUnprocessableEntity {
		values := map[string]string{"edit": in.Edit, "key": in.Key, "title": in.Title, "description": in.Description, "kind": in.Kind}
		for name, on := range map[string]bool{"needs_consent": in.Consent, "archived": in.Archived} {
			if on {
				values[name] = "on"
			}
		}
		return s.showCategories(w, r, e.Status, &web.Form{Err: e, Values: values})
	}
	if err != nil {
		return err
	}
	return web.SeeOther(w, r, categoryBase+"?done=saved")
}
