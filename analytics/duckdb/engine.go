//go:build cgo && !no_duckdb

package duckdb

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"time"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/internal/duck"
)

// format counts the layouts of the mirror; a file of another is not read.
const format = "1"

// engine is an open DuckDB with what is known of its contents.
type engine struct {
	db     *duck.DB
	writer *duck.Conn
	tables map[string]*table // by name in lower case
	listed time.Time         // when the declared tables were last asked for
	chat   conversations
	names  naming // of conversations
	stamp  string // what the database said when all of it was followed; "": nothing
	ready  bool   // it may be asked
}

// enclosed are the settings that keep a statement inside: it reaches no file,
// no network and no extension.
const enclosed = `LOAD icu; LOAD json; SET TimeZone='UTC';
SET temp_directory=''; SET allow_community_extensions=false;
SET enable_external_access=false`

// makeReady lets the engine be asked: from here on it uses all cores, and no
// statement can change a setting. Until then it has one: while the mirror is
// built the other reads the database, and an engine of several spins on it
// while they wait for each other.
func (e *engine) makeReady(ctx context.Context) error {
	if e.ready {
		return nil
	}
	err := e.writer.Exec(ctx, fmt.Sprintf("SET threads=%d; SET lock_configuration=true", runtime.GOMAXPROCS(0)))
	e.ready = err == nil
	return err
}

// openEngine opens the mirror's file and keeps it if it is this program's
// mirror of this database; else it begins a new one.
func (m *Mirror) openEngine(ctx context.Context) (*engine, error) {
	eng, err := m.tryEngine(ctx)
	if err == nil || ctx.Err() != nil || m.opt.Path == "" {
		return eng, err
	}
	m.opt.Log.Info("a new mirror is made", "file", m.opt.Path, "why", err)
	if err := removeFile(m.opt.Path); err != nil {
		return nil, errs.Wrap(errs.Unavailable, err, "the old mirror cannot be deleted")
	}
	return m.tryEngine(ctx)
}

func (m *Mirror) tryEngine(ctx context.Context) (*engine, error) {
	db, err := duck.Open(m.opt.Path, m.opt.Memory, duck.Settings{
		"threads":                      "1",
		"autoinstall_known_extensions": "false", "autoload_known_extensions": "false",
		// Order is what ORDER BY says; keeping it elsewhere costs memory.
		"preserve_insertion_order": "true",
	})
	if err != nil {
		return nil, err
	}
	eng := &engine{db: db, tables: map[string]*table{}}
	if eng.writer, err = db.Connect(); err == nil {
		err = eng.writer.Exec(ctx, enclosed)
	}
	if err == nil {
		err = eng.recognise(ctx, m.identity())
	}
	if err != nil {
		return nil, errors.Join(err, eng.close())
	}
	return eng, nil
}

// identity is what a file must say of itself to be read.
func (m *Mirror) identity() string {
	return fmt.Sprintf("%s of %s by DuckDB %s", format, m.src.ID, duck.Version())
}

var errAnother = errors.New("it is of another database or program")

// recognise begins an empty file, or reads how far a mirror has come.
func (e *engine) recognise(ctx context.Context, identity string) error {
	n, err := e.writer.Number(ctx, `SELECT count(*) FROM duckdb_tables() WHERE schema_name='varve' AND table_name='identity'`)
	if err != nil {
		return err
	}
	if n == 0 {
		return e.writer.Exec(ctx, `BEGIN; CREATE SCHEMA varve; CREATE SCHEMA state; CREATE SCHEMA history; CREATE SCHEMA chat;
CREATE TABLE varve.identity (text VARCHAR);
INSERT INTO varve.identity VALUES (`+duck.Text(identity)+`);
CREATE TABLE varve.tables (name VARCHAR, definition VARCHAR, base BIGINT);
CREATE TABLE varve.chat (position BIGINT, read BIGINT);
CREATE TABLE varve.touched (id VARCHAR);
`+chatTables+`; COMMIT`)
	}
	n, err = e.writer.Number(ctx, `SELECT count(*) FROM varve.identity WHERE text=?`, identity)
	if err == nil && n != 1 {
		err = errAnother
	}
	if err == nil {
		err = e.recallTables(ctx)
	}
	if err == nil {
		err = e.recallChat(ctx)
	}
	return err
}

func (e *engine) close() error {
	if e.writer != nil {
		e.writer.Close()
		e.writer = nil
	}
	return e.db.Close()
}

// removeFile deletes the mirror and the log of its last writes.
func removeFile(path string) error {
	for _, name := range []string{path, path + ".wal"} {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
