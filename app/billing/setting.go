package billing

import (
	"context"
	"net/http"

	"seaworthy/app/audit"
	"seaworthy/app/web"
	"seaworthy/store"
)

// Settings are what owners of orgs may do by themselves. Whoever runs billing always may.
type Settings struct {
	CreditNow bool  `json:"downgrade_now" doc:"Whether owners may have a smaller plan at once, what is left over as credit"`
	PauseDays int64 `json:"max_pause_days" doc:"How long a pause may last; 0: they cannot pause"`
}

// Names of settings in the table.
const (
	settingCredit = "downgrade_now"
	settingPause  = "max_pause_days"
)

// maxPauseDays is the most that can be allowed.
const maxPauseDays = 366

func settingsOf(tx *store.Tx) (v Settings, err error) {
	type row struct {
		name  string
		value int64
	}
	all, err := store.All(tx, func(r store.Scanner) (v row, err error) { return v, r.Scan(&v.name, &v.value) }, `SELECT name, value FROM billing_setting ORDER BY name`)
	for _, one := range all {
		switch one.name {
		case settingCredit:
			v.CreditNow = one.value == 1
		case settingPause:
			v.PauseDays = one.value
		}
	}
	return v, err
}

// PutSettings changes them.
func (s *System) PutSettings(ctx context.Context, in Settings) error {
	var c web.Check
	c.Fault(in.PauseDays >= 0 && in.PauseDays <= maxPauseDays, settingPause, "range", "From 0, which is none, to 366 days.")
	if err := c.Err(); err != nil {
		return err
	}
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		old, err := settingsOf(tx)
		if err != nil || old == in {
			return err
		}
		changes := map[string]audit.Change{}
		if old.CreditNow != in.CreditNow {
			changes[settingCredit] = audit.Change{From: old.CreditNow, To: in.CreditNow}
		}
		if old.PauseDays != in.PauseDays {
			changes[settingPause] = audit.Change{From: old.PauseDays, To: in.PauseDays}
		}
		if err := firstOf(putSetting(tx, settingCredit, int64(flag(in.CreditNow))), putSetting(tx, settingPause, in.PauseDays)); err != nil {
			return err
		}
		return s.Audit.Record(tx, audit.Event{Action: actSettings, Changes: changes, Targets: []audit.Ref{{Type: "setting", ID: "billing"}}})
	})
}

func putSetting(tx *store.Tx, name string, value int64) error {
	_, err := tx.Exec(`INSERT INTO billing_setting (name, value, changed_by, changed_at) VALUES (?, ?, ?, ?)
		ON CONFLICT (name) DO UPDATE SET value = excluded.value, changed_by = excluded.changed_by, changed_at = excluded.changed_at`, name, value, by(tx), tx.Now().UnixMilli())
	return err
}

func (s *System) settingsAPI(w http.ResponseWriter, r *http.Request) error {
	v, err := store.Read(r.Context(), s.DB, settingsOf)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, v)
}

func (s *System) putSettingsAPI(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[Settings](r)
	if err != nil {
		return err
	}
	if err := s.PutSettings(r.Context(), in); err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, in)
}
