package email

import "seaworthy/store"

// brandOf is the brand that was set; ErrNotFound if none was.
func brandOf(tx *store.Tx) (b brandRow, err error) {
	err = tx.QueryRow(`SELECT b.version, b.name, b.accent, b.accent_dark, b.address, b.support, b.website, b.logo, b.changed_at,
		coalesce(l.kind, ''), coalesce(l.width, 0), coalesce(l.height, 0)
		FROM email_brand b LEFT JOIN email_logo l ON l.hash = b.logo WHERE b.id = 'brand'`).
		Scan(&b.version, &b.name, &b.accent, &b.dark, &b.address, &b.support, &b.website, &b.logo, &b.changed, &b.kind, &b.width, &b.height)
	return b, err
}

func saveBrand(tx *store.Tx, b brandRow) error {
	return tx.ExecOne(`INSERT INTO email_brand (id, version, name, accent, accent_dark, address, support, website, logo, changed_at) VALUES ('brand', ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET version = excluded.version, name = excluded.name, accent = excluded.accent, accent_dark = excluded.accent_dark, address = excluded.address,
		support = excluded.support, website = excluded.website, logo = excluded.logo, changed_at = excluded.changed_at`,
		b.version, b.name, b.accent, b.dark, b.address, b.support, b.website, b.logo, b.changed)
}

func saveLogo(tx *store.Tx, l logo) error {
	_, err := tx.Exec(`INSERT INTO email_logo (hash, kind, width, height, body, created_at) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (hash) DO NOTHING`,
		l.hash, l.kind, l.width, l.height, l.body, tx.Now().UnixMilli())
	return err
}

func logoBody(tx *store.Tx, hash string) (l logo, err error) {
	l.hash = hash
	err = tx.QueryRow(`SELECT kind, width, height, body FROM email_logo WHERE hash = ?`, hash).Scan(&l.kind, &l.width, &l.height, &l.body)
	return l, err
}
