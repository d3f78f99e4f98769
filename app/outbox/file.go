package outbox

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// file is an open database of the app's: one connection, used by one goroutine.
//
// Its journal mode is never changed and nothing is checkpointed but what SQLite
// does on its own. No file of it may be opened but by SQLite: where locks belong
// to the process, a close would drop them all.
type file struct {
	path string      // as configured
	real string      // with the links in its folders resolved
	info fs.FileInfo // of the file that is open
	pool *sql.DB
	conn *sql.Conn
}

var (
	errReplaced = errors.New("another file is in its place")
	errOwn      = errors.New("this is Seaworthy's own database: the table belongs into the app's own file")
	errLink     = errors.New("the file is a symbolic link: give the path it leads to")
	errKind     = errors.New("this is no regular file")
)

// locate finds the real path of a file and what stands there. Folders on the way
// may be links (releases/current), the file itself may not: SQLite keeps its log
// beside the real file, and that is the folder to watch.
func locate(path string) (string, fs.FileInfo, error) {
	folder, err := filepath.EvalSymlinks(filepath.Dir(path))
	if err != nil {
		return "", nil, err
	}
	real := filepath.Join(folder, filepath.Base(path))
	info, err := os.Lstat(real)
	switch {
	case err != nil:
		return "", nil, err
	case info.Mode()&fs.ModeSymlink != 0:
		return "", nil, errLink
	case !info.Mode().IsRegular():
		return "", nil, errKind
	}
	return real, info, nil
}

// openFile opens the app's database for reading and writing, and makes sure that
// rows can be removed from it. It never creates one.
func openFile(path, own string) (*file, error) {
	real, info, err := locate(path)
	if err != nil {
		return nil, err
	}
	if ours, err := os.Stat(own); err == nil && os.SameFile(ours, info) {
		return nil, errOwn
	}
	// No mmap: a file that is truncated under us would end the process. Its schema
	// is not ours, so nothing in it may call functions with side effects.
	params := url.Values{"mode": {"rw"}, "_defensive": {"1"}, "_pragma": {"busy_timeout(250)", "trusted_schema(0)", "mmap_size(0)"}}
	u := url.URL{Scheme: "file", Path: real, RawQuery: params.Encode()}
	f := &file{path: path, real: real, info: info}
	if f.pool, err = sql.Open("sqlite", strings.Replace(u.String(), "file://", "file:", 1)); err != nil {
		return nil, err
	}
	f.pool.SetMaxOpenConns(1)
	if f.conn, err = f.pool.Conn(context.Background()); err == nil {
		err = f.prepare()
	}
	if err == nil {
		err = f.still()
	}
	if err != nil {
		f.close()
		return nil, err
	}
	return f, nil
}

// prepare makes sure that the file can be written before any of its rows is made
// a job: a row that cannot be removed would be one again when the job's record
// is gone.
func (f *file) prepare() error {
	var mode string
	if err := f.row(`PRAGMA journal_mode`).Scan(&mode); err != nil {
		return err
	}
	if strings.EqualFold(mode, "wal") {
		// A removal that a power cut undoes is made again: its row is known.
		if err := f.exec(`PRAGMA synchronous = NORMAL`); err != nil {
			return err
		}
	}
	if err := f.exec(`BEGIN IMMEDIATE`); err != nil {
		return err
	}
	// BEGIN alone does not mind a file that can only be read. This is taken back.
	return errors.Join(f.exec(`PRAGMA user_version = 1`), f.exec(`ROLLBACK`))
}

// patience says whether a statement waits for the app's lock, 250 ms, or not.
func (f *file) patience(wait bool) error {
	if wait {
		return f.exec(`PRAGMA busy_timeout = 250`)
	}
	return f.exec(`PRAGMA busy_timeout = 0`)
}

// still reports whether the path leads to the file that is open.
func (f *file) still() error {
	real, info, err := locate(f.path)
	if err == nil && (real != f.real || !os.SameFile(info, f.info)) {
		err = errReplaced
	}
	return err
}

// version changes whenever another connection commits
// (https://www.sqlite.org/pragma.html#pragma_data_version).
func (f *file) version() (v int64, err error) {
	err = f.row(`PRAGMA data_version`).Scan(&v)
	return v, err
}

// schema changes whenever a table does.
func (f *file) schema() (v int64, err error) {
	err = f.row(`PRAGMA schema_version`).Scan(&v)
	return v, err
}

func (f *file) close() {
	if f.conn != nil {
		f.conn.Close()
	}
	f.pool.Close()
}

// SQLite's result codes that need other words or another pace than the rest
// (https://www.sqlite.org/rescode.html).
const (
	codeBusy       = 5
	codeLocked     = 6
	codeReadOnly   = 8
	codeCorrupt    = 11
	codeFull       = 13
	codeCantOpen   = 14
	codeConstraint = 19
	codeNotADB     = 26
	codeMoved      = 1032 // the file was moved or removed while it was open
)

// codeOf is the extended result code of an error of SQLite's, or 0.
func codeOf(err error) int {
	var ours *storeError
	if errors.As(err, &ours) {
		return 0
	}
	var lite interface{ Code() int }
	if errors.As(err, &lite) {
		return lite.Code()
	}
	return 0
}

// explain says what is wrong with the file in words for whoever runs it.
func explain(err error) (State, string) {
	code := codeOf(err)
	switch code & 0xff {
	case codeBusy, codeLocked:
		return Locked, "another process has locked the file"
	case codeReadOnly:
		return Failed, "the file cannot be written: rows that were taken must be removed, so give Seaworthy's user the right to write it and its folder"
	case codeCorrupt, codeNotADB:
		return Failed, fmt.Sprintf("the file is no sound SQLite database (%v)", err)
	case codeFull:
		return Failed, "the disk that the file is on is full"
	case codeCantOpen:
		return Failed, "the file cannot be opened: give Seaworthy's user the right to read and write it and its folder"
	}
	if errors.Is(err, fs.ErrNotExist) {
		return NoFile, ""
	}
	return Failed, err.Error()
}
