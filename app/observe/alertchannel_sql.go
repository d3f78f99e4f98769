package observe

import (
	"time"

	"seaworthy/store"
)

const channelColumns = `id, name, kind, target, url, secret, level, per_hour, enabled, created_at`

func scanChannel(r store.Scanner) (c Channel, err error) {
	var created int64
	err = r.Scan(&c.ID, &c.Name, &c.Kind, &c.To, &c.url, &c.secret, &c.Level, &c.PerHour, &c.Enabled, &created)
	c.CreatedAt = at(created)
	return c, err
}

func listChannels(tx *store.Tx) ([]Channel, error) {
	return store.All(tx, scanChannel, `SELECT `+channelColumns+` FROM observe_channel WHERE id > '' ORDER BY id LIMIT ?`, maxChannels)
}

func channelByID(tx *store.Tx, id string) (Channel, error) {
	return scanChannel(tx.QueryRow(`SELECT `+channelColumns+` FROM observe_channel WHERE id = ?`, id))
}

func insertChannel(tx *store.Tx, c Channel) error {
	now := tx.Now().UnixMilli()
	_, err := tx.Exec(`INSERT INTO observe_channel (id, name, kind, target, url, secret, level, per_hour, enabled, created_at, changed_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		c.ID, c.Name, c.Kind, c.To, bytesOf(c.url), bytesOf(c.secret), c.Level, c.PerHour, bit(c.Enabled), now, now)
	return err
}

// bytesOf is never NULL.
func bytesOf(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

func updateChannel(tx *store.Tx, c Channel) error {
	return tx.ExecOne(`UPDATE observe_channel SET name = ?, target = ?, url = ?, secret = ?, level = ?, per_hour = ?, enabled = ?, changed_at = ? WHERE id = ?`,
		c.Name, c.To, bytesOf(c.url), bytesOf(c.secret), c.Level, c.PerHour, bit(c.Enabled), tx.Now().UnixMilli(), c.ID)
}

func deleteChannel(tx *store.Tx, id string) error {
	if _, err := tx.Exec(`DELETE FROM observe_notice WHERE channel = ? AND delivery = ''`, id); err != nil {
		return err
	}
	return tx.ExecOne(`DELETE FROM observe_channel WHERE id = ?`, id)
}

// notice is what a channel is to be told of an alert.
type notice struct {
	id, what string
	critical bool
	at       time.Time
	alert    string
}

// addNotice adds a notice, but for one that the channel has already.
func addNotice(tx *store.Tx, channel string, a Alert, what string) error {
	_, err := tx.Exec(`INSERT INTO observe_notice (id, channel, alert, what, critical, delivery, created_at) VALUES (?, ?, ?, ?, ?, '', ?) ON CONFLICT (alert, channel, what) DO NOTHING`,
		tx.NewID("ntc"), channel, a.ID, what, bit(a.Critical), tx.Now().UnixMilli())
	return err
}

func scanNotice(r store.Scanner) (n notice, err error) {
	var ms int64
	err = r.Scan(&n.id, &n.alert, &n.what, &n.critical, &ms)
	n.at = at(ms)
	return n, err
}

// noticesOf are those of a delivery, or with "" in its place those that wait for one.
func noticesOf(tx *store.Tx, channel, delivery string, limit int) ([]notice, error) {
	return store.All(tx, scanNotice, `SELECT id, alert, what, critical, created_at FROM observe_notice WHERE channel = ? AND delivery = ? ORDER BY id LIMIT ?`, channel, delivery, limit)
}

func giveNotice(tx *store.Tx, id, delivery string) error {
	return tx.ExecOne(`UPDATE observe_notice SET delivery = ? WHERE id = ?`, delivery, id)
}

func dropNotice(tx *store.Tx, id string) error {
	return tx.ExecOne(`DELETE FROM observe_notice WHERE id = ?`, id)
}

const deliveryColumns = `id, channel, alerts, test, state, problem, created_at`

func scanDelivery(r store.Scanner) (d Delivery, err error) {
	var created int64
	err = r.Scan(&d.ID, &d.Channel, &d.Alerts, &d.Test, &d.State, &d.Problem, &created)
	d.At = at(created)
	return d, err
}

func insertDelivery(tx *store.Tx, d Delivery) error {
	_, err := tx.Exec(`INSERT INTO observe_delivery (id, channel, alerts, test, state, problem, created_at) VALUES (?, ?, ?, ?, 'queued', '', ?)`,
		d.ID, d.Channel, d.Alerts, bit(d.Test), d.At.UnixMilli())
	return err
}

func deliveryByID(tx *store.Tx, id string) (Delivery, error) {
	return scanDelivery(tx.QueryRow(`SELECT `+deliveryColumns+` FROM observe_delivery WHERE id = ?`, id))
}

func lastDelivery(tx *store.Tx, channel string) (Delivery, error) {
	return scanDelivery(tx.QueryRow(`SELECT `+deliveryColumns+` FROM observe_delivery WHERE channel = ? ORDER BY created_at DESC, id DESC LIMIT 1`, channel))
}

// deliveriesSince counts what a channel got, tests apart, up to a limit, and says when the last was.
func deliveriesSince(tx *store.Tx, channel string, since time.Time, limit int64) (n int64, last time.Time, err error) {
	var ms int64
	err = tx.QueryRow(`SELECT count(created_at), coalesce(max(created_at), 0) FROM
		(SELECT created_at FROM observe_delivery WHERE channel = ? AND created_at > ? AND test = 0 ORDER BY created_at DESC, id DESC LIMIT ?)`, channel, since.UnixMilli(), limit).Scan(&n, &ms)
	return n, at(ms), err
}

// underWay are the deliveries that have not ended.
func underWay(tx *store.Tx) ([]Delivery, error) {
	return store.All(tx, scanDelivery, `SELECT `+deliveryColumns+` FROM observe_delivery WHERE ended_at IS NULL ORDER BY id LIMIT 100`)
}

func setDelivery(tx *store.Tx, id, state, problem string) error {
	var ended any
	if state == "sent" || state == "failed" {
		ended = tx.Now().UnixMilli()
	}
	return tx.ExecOne(`UPDATE observe_delivery SET state = ?, problem = ?, ended_at = ? WHERE id = ?`, state, problem, ended, id)
}

func addAlertMail(tx *store.Tx, message, delivery string) error {
	_, err := tx.Exec(`INSERT INTO observe_alert_mail (message, delivery) VALUES (?, ?)`, message, delivery)
	return err
}

func alertMails(tx *store.Tx, delivery string) ([]string, error) {
	return store.All(tx, func(r store.Scanner) (id string, err error) { return id, r.Scan(&id) }, `SELECT message FROM observe_alert_mail WHERE delivery = ? LIMIT 100`, delivery)
}

func isAlertMail(tx *store.Tx, message string) (is bool, err error) {
	err = tx.QueryRow(`SELECT EXISTS (SELECT message FROM observe_alert_mail WHERE message = ?)`, message).Scan(&is)
	return is, err
}
