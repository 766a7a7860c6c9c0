// Package varve is the front door of the data layer: one URL opens a database
// and all rooms on it.
//
//	db, err := all.Open(ctx, "sqlite:varve-data/varve.db", nil)
//	defer db.Close()
//	thread, err := db.Chat().Thread(ctx, id)
//
// The package knows ports only. The drivers it may use are given in
// [Options]; package all lists every one, and a program that wants one database
// and nothing else names that one.
package varve

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/varvedb/varve/analytics"
	"github.com/varvedb/varve/blob"
	"github.com/varvedb/varve/change"
	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/erasure"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/lake"
	"github.com/varvedb/varve/query"
	"github.com/varvedb/varve/state"
	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/todo"
)

// Driver opens the store that a source names. Log is never nil.
type Driver func(ctx context.Context, src Source, log *slog.Logger) (store.Store, error)

// Options tune [Open]. The zero value of everything but Drivers is a default.
type Options struct {
	// Drivers by scheme: "sqlite", "postgres", "memory".
	Drivers map[string]Driver
	// Data is the folder for what is not in the database: bytes, and the mirror of
	// questions in SQL. Default: the folder of an SQLite file, else ./varve-data; a
	// database in memory has none.
	Data string
	// DefaultData is Data where nobody chose one: the bytes of a database in files
	// are beside it all the same.
	DefaultData string
	// Elements is where the bytes of elements, and of the lake's large files, lie: a
	// folder, or the URL of a bucket of a kind that is in Buckets. Default:
	// elements/ in Data. Where that is not named: elements/ in FILE.varve beside a
	// database FILE, in the folder of a file that is called varve.db, in .varve of a
	// folder of files, and for a server's database in DefaultData or ./varve-data.
	// What earlier versions put into elements/ beside FILE, or in DefaultData, is
	// found there.
	Elements string
	// Within goes before the keys in Elements, as in "databases/staging/", for
	// databases that share one place.
	Within string
	// Metadata is the URL of the database in which components are registered.
	// Default: the one that is opened.
	Metadata string
	// Artifacts is where the bytes of artifacts lie: a folder, or the URL of a
	// bucket of a kind that is in Buckets. Default: artifacts/, where elements/ is by
	// default.
	Artifacts string
	// Compute is what runs jobs. Default, and the only one: "local", this process.
	Compute string
	// Buckets by the scheme of their URLs: "s3", "azblob".
	Buckets map[string]blob.Opener
	// Retain says when threads are deleted for their age, as long as the database
	// is open; nil: never.
	Retain []chat.Retention
	// Sweep is how often bytes are freed that no version of any file has any
	// more, see lake.Service.Sweep, and what nobody names of artifacts, see
	// [DB.Sweep]: while the database is open, the first time after ten minutes.
	// 0: every six hours; negative: never. Artifacts are left alone where Metadata
	// is a database of its own, which others may share.
	Sweep time.Duration
	// Exports opens the notes of exports in a data folder. nil: none are kept, and
	// erasures reach none.
	Exports func(data string) erasure.Exports
	// Columnar opens the engine that answers questions in SQL. nil: the
	// database is asked itself, if it can.
	Columnar Columnar
	// PublicURL is how browsers reach the server, as in
	// "https://chat.example.org". It goes before addresses of bytes, which are
	// relative to the server without it.
	PublicURL string
	// LinkLife is how long signed addresses of elements' bytes work, at most
	// blob.MaxTTL. 0: blob.DefaultTTL.
	LinkLife time.Duration
	// Address is how the server is reached on this machine; where there is no
	// PublicURL it goes before the addresses that are stored.
	Address string
	// Name is what a server of several databases calls this one.
	Name string
	// Examine opens a database for its doctor: a table that is missing is no
	// error yet.
	Examine bool
	// Log gets every line with an attribute "part" that says which part speaks.
	Log *slog.Logger
}

// DB is an open data layer. It is safe for concurrent use.
type DB struct {
	store  store.Store
	files  *blob.Bucket // nil when there is no place for bytes
	chat   *chat.Service
	state  *state.Service
	todo   *todo.Service
	lake   *lake.Service
	query  *query.Service
	src    Source
	place  string // of the files, without secrets
	data   string // the folder for what is not in the database; "" is none
	mirror string // the file of the mirror that answers SQL; "" is none

	exports erasure.Exports // nil: none are noted

	elementURL func(threadID, elementID string) string // nil without files

	analytics *analytics.Service
	tending   tending
	datalayer
}

// Open opens the database that a URL names, see [ParseURL]; "" is what
// VARVE_URL says, else the folder ./varve-data.
func Open(ctx context.Context, url string, opt *Options) (*DB, error) {
	var o Options
	if opt != nil {
		o = *opt
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	src, err := ParseURL(url)
	if err != nil {
		return nil, err
	}
	src.Examine = o.Examine
	driver := o.Drivers[src.Scheme]
	if driver == nil {
		return nil, errs.Field(errs.Unsupported, "url", "this program has no driver for %q; known are %s", src.Scheme, strings.Join(known(o.Drivers), ", "))
	}
	st, err := driver(ctx, src, o.Log.With("part", src.Scheme))
	if err != nil {
		return nil, err
	}
	db := &DB{store: st, src: src}
	if err := db.openRooms(ctx, o); err != nil {
		return nil, errors.Join(err, db.datalayer.close(st), st.Close())
	}
	return db, nil
}

func (db *DB) openRooms(ctx context.Context, o Options) error {
	data := o.Data
	if data == "" {
		data = o.DefaultData
	}
	if data == "" {
		data = db.src.dataFolder()
	}
	if db.data = data; data != "" {
		db.mirror = filepath.Join(data, "mirror.duckdb")
		if o.Exports != nil {
			db.exports = o.Exports(data)
		}
	}
	if db.src.Scheme == "duckdb" && absolute(db.src.Path) == absolute(db.mirror) {
		return errs.Field(errs.Invalid, "url", "%s is the name of the mirror in this data folder, which is deleted now and then; call the file something else", filepath.Base(db.mirror))
	}
	cursors, err := secret(ctx, db.store, data, "cursors")
	if err != nil {
		return err
	}
	opt := chat.Options{Secret: cursors, Retain: o.Retain, Log: o.Log.With("part", "chat")}
	place, past := o.Elements, []string(nil)
	if place == "" {
		place, o.Within = beneath(db.folder(o), "elements"), ""
		past = db.formerly(o)
	}
	if o.LinkLife < 0 || o.LinkLife > blob.MaxTTL {
		return errs.Field(errs.Invalid, "link-life", "signed addresses can work for %v at most", blob.MaxTTL)
	}
	if place != "" {
		urls, err := secret(ctx, db.store, data, "urls")
		if err != nil {
			return err
		}
		db.files, err = blob.Open(ctx, place, o.Buckets,
			blob.Options{Secret: urls, Base: o.PublicURL, Database: o.Name, Within: o.Within, Past: past, TTL: o.LinkLife})
		if err != nil {
			return err
		}
		db.place = blob.Redacted(place)
		opt.Files = db.files
		db.elementURL = elementURL(o)
		opt.ElementURL = db.elementURL
	}
	db.query = query.NewService(db.store.Query(), query.Options{Actor: chat.Actor, Log: o.Log.With("part", "query")})
	db.chat = chat.NewService(db.store.Chat(), opt)
	db.state = state.NewService(db.store.State(), state.Options{Secret: cursors, Log: o.Log.With("part", "state")})
	db.todo, db.lake = todo.New(db.state), db.openLake(cursors)
	if err := db.openDatalayer(ctx, o); err != nil {
		return err
	}
	db.analytics = analytics.NewService(analytics.Options{Open: db.openAnalytics(o, data)})
	if o.Sweep >= 0 && !o.Examine {
		db.tending.begin(db, o)
	}
	return nil
}

// known are the schemes of drivers.
func known(drivers map[string]Driver) []string { return slices.Sorted(maps.Keys(drivers)) }

// Chat is the room of conversations.
func (db *DB) Chat() *chat.Service { return db.chat }

// State is the room of versioned tables.
func (db *DB) State() *state.Service { return db.state }

// Rows is the port of conversations below Chat: rows as they are stored, for
// who moves them between databases.
func (db *DB) Rows() chat.Store { return db.store.Chat() }

// Files keeps the bytes of elements; nil when there is no place for them.
func (db *DB) Files() *blob.Bucket { return db.files }

// Elements tells where the bytes of elements lie, without secrets; "" is
// nowhere.
func (db *DB) Elements() string { return db.place }

// ElementURL gives the address of an element's bytes as it stands in rows: who
// writes rows below Chat writes it too. nil where there is no place for bytes.
func (db *DB) ElementURL() func(threadID, elementID string) string { return db.elementURL }

// Changes is the log of what was written where.
func (db *DB) Changes() change.Log { return db.store }

// Source tells what was opened, without secrets.
func (db *DB) Source() string { return db.src.Redacted() }

// Ping tells whether the database answers, and the place for bytes.
func (db *DB) Ping(ctx context.Context) error {
	if err := db.store.Ping(ctx); err != nil || db.files == nil {
		return err
	}
	// What is forbidden answers.
	if err := db.files.Check(ctx); !errors.Is(err, errs.Forbidden) {
		return err
	}
	return nil
}

// Doctor examines the database; errs.Unsupported where there is nothing to
// examine.
func (db *DB) Doctor() (store.Doctor, error) {
	if d, ok := db.store.(store.Doctor); ok {
		return d, nil
	}
	return nil, errs.New(errs.Unsupported, "this database has nothing to examine")
}

// Tx is the rooms inside one transaction.
type Tx struct {
	chat  *chat.Service
	state *state.Service
	todo  *todo.Service
	query *query.Service
}

// Chat is the room of conversations inside the transaction. It stores no
// bytes.
func (tx *Tx) Chat() *chat.Service { return tx.chat }

// State is the room of versioned tables inside the transaction.
func (tx *Tx) State() *state.Service { return tx.state }

// Update runs fn in one transaction that spans all rooms: everything it writes
// through tx is there when Update returns nil, nothing of it when fn fails. fn
// uses the context it is given, may be run again, and does no I/O elsewhere; a
// call through db inside it is errs.Invalid.
func (db *DB) Update(ctx context.Context, fn func(ctx context.Context, tx *Tx) error) error {
	defer db.state.Nudge()
	return db.store.Update(ctx, func(ctx context.Context, tx store.Tx) error {
		versions := db.state.In(tx.State())
		return fn(ctx, &Tx{chat: db.chat.In(tx.Chat()), state: versions, todo: db.todo.In(versions), query: db.query.In(tx.Query())})
	})
}

// Close stops what runs and closes what is open.
func (db *DB) Close() error {
	db.tending.stop()
	err := errors.Join(db.analytics.Close(), db.chat.Close(), db.datalayer.close(db.store))
	if db.files != nil {
		err = errors.Join(err, db.files.Close())
	}
	return errors.Join(err, db.store.Close())
}
