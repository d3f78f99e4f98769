package apply

import "seaworthy/store"

func sectionRows(tx *store.Tx) ([]sectionRow, error) {
	return store.All(tx, func(r store.Scanner) (row sectionRow, err error) {
		return row, r.Scan(&row.name, &row.hash, &row.source, &row.by, &row.at)
	}, `SELECT name, hash, source, applied_by, applied_at FROM apply_section ORDER BY name`)
}

func itemNames(tx *store.Tx, section string) ([]string, error) {
	return store.All(tx, func(r store.Scanner) (name string, err error) { return name, r.Scan(&name) },
		`SELECT name FROM apply_item WHERE section = ? ORDER BY name`, section)
}

// putSection notes a section with the names of its things, in place of what was noted.
func putSection(tx *store.Tx, row sectionRow, names []string) error {
	if _, err := tx.Exec(`INSERT INTO apply_section (name, hash, source, applied_by, applied_at) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (name) DO UPDATE SET hash = excluded.hash, source = excluded.source, applied_by = excluded.applied_by, applied_at = excluded.applied_at`,
		row.name, row.hash, row.source, row.by, row.at); err != nil {
		return err
	}
	if _, err := tx.Exec(`DELETE FROM apply_item WHERE section = ?`, row.name); err != nil {
		return err
	}
	for _, name := range names {
		if _, err := tx.Exec(`INSERT INTO apply_item (section, name) VALUES (?, ?)`, row.name, name); err != nil {
			return err
		}
	}
	return nil
}

func deleteSection(tx *store.Tx, name string) error {
	return tx.ExecOne(`DELETE FROM apply_section WHERE name = ?`, name)
}
