package store

import (
	"database/sql"
	"reflect"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// steady has a connection keep the plan of a prepared statement, whatever values it is
// run with: SQLite's "query planner stability guarantee". Without it a statement that
// has LIMIT ?, or a range over a column with samples, is parsed and planned again each
// time it is run, because the values might make another plan better.
//
// The driver has no option for it and SQLite no pragma, so its fields are read by
// reflection. It reports whether that worked; where it did not, statements are slower
// and nothing else.
func steady(conn *sql.Conn) (is bool) { return guarantee(conn, 1) }

// guarantee sets the guarantee of a connection to 1 or 0, or with -1 leaves it, and
// reports what it is then.
func guarantee(conn *sql.Conn, set int32) (is bool) {
	_ = conn.Raw(func(driver any) error {
		v := reflect.ValueOf(driver)
		if v.Kind() != reflect.Pointer || v.Elem().Kind() != reflect.Struct {
			return nil
		}
		db, tls := v.Elem().FieldByName("db"), v.Elem().FieldByName("tls")
		if db.Kind() != reflect.Uintptr || tls.Type() != reflect.TypeFor[*libc.TLS]() {
			return nil
		}
		is = configure((*libc.TLS)(tls.UnsafePointer()), uintptr(db.Uint()), set)
		return nil
	})
	return is
}

// configure is sqlite3_db_config with SQLITE_DBCONFIG_ENABLE_QPSG.
func configure(tls *libc.TLS, db uintptr, set int32) bool {
	const slots, slot = 3, 8 // an int and a pointer in libc's list of arguments, and the answer
	memory := libc.Xmalloc(tls, slots*slot)
	if memory == 0 {
		return false
	}
	defer libc.Xfree(tls, memory)
	answer := memory + 2*slot
	if sqlite3.Xsqlite3_db_config(tls, db, sqlite3.SQLITE_DBCONFIG_ENABLE_QPSG, libc.VaList(memory, set, answer)) != sqlite3.SQLITE_OK {
		return false
	}
	return libc.AtomicLoadPInt32(answer) == 1
}
