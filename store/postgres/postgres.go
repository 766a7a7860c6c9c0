// Package postgres is the store on PostgreSQL 13 and later, on a database of
// its own or on one that Chainlit's SQLAlchemy layer or its official one writes.
//
//	db, err := postgres.Open(ctx, "postgres://user@host/db", postgres.Options{})
//	defer db.Close()
//	err = db.Chat().ApplyStep(ctx, step, chat.Write{Now: time.Now()})
//
// A database without Chainlit's tables gets them at the first use of
// conversations, and later versions of them at open. One that has them
// already is somebody else's: it is used as it is found, whatever columns it
// has, and altered only by [Store.Mend].
//
// Reads and single writes are one round trip each; a write that makes its thread
// takes another. Nothing depends on the
// session, so a pooler in transaction mode may stand in front.
package postgres

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/store/internal/sqlquery"
)

// Options tune a [Store]. The zero value works.
type Options struct {
	Log *slog.Logger
}

// Store is an open database. It is safe for concurrent use.
type Store struct {
	pool   *pgxpool.Pool
	schema string // of Chainlit's tables as asked for, "" for the default
	log    *slog.Logger

	official bool // its official tables are asked for

	keeper *keeper
	layout atomic.Pointer[layout] // nil until somebody needs it
	making sync.Mutex             // one introspection or migration at a time
	memory forgetful
	known  known
	seen   sqlquery.Seen
	bare   atomic.Pointer[layout] // where there are no conversations, or cannot be

	components atomic.Bool // there are tables for them
	dropped    sync.Once
	pooled     atomic.Bool // a pooler stands between
	unwritable atomic.Bool // the server's disk refused a write
}

var _ store.Store = (*Store)(nil)

// Open connects. url is one of PostgreSQL's own (postgres://, postgresql://,
// with SQLAlchemy's +driver or without) with two parameters more: chat_schema
// names another schema for Chainlit's tables, and schema=official chooses the
// tables of Chainlit's official layer, which are made if there are none and
// found without being asked for if they are all there is. A database that Varve created is
// migrated here; conversations are looked at when they are first used.
func Open(ctx context.Context, url string, opt Options) (*Store, error) {
	config, ask, err := parse(url)
	if err != nil {
		return nil, err
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, classify(err)
	}
	s := &Store{pool: pool, schema: ask.chat, official: ask.official, log: opt.Log}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if err := s.look(ctx); err != nil {
		pool.Close()
		return nil, err
	}
	s.keeper = s.keep()
	return s, nil
}

// look takes a first look without creating anything. What is wrong with the
// tables of conversations is said when conversations are used.
func (s *Store) look(ctx context.Context) error {
	l, err := s.introspect(ctx)
	if err != nil {
		return err
	}
	talk := l.origin == own
	if l.broken == nil && (talk || l.origin == nobody && l.founded()) && len(l.lacking(talk)) > 0 {
		if l, err = s.migrate(ctx, talk); err != nil {
			return err
		}
	}
	if l.broken != nil || l.origin == nobody {
		return nil
	}
	s.use(ctx, l)
	return nil
}

// use makes a layout the one that calls work with.
func (s *Store) use(ctx context.Context, l *layout) {
	s.lift(ctx, l)
	s.layout.Store(l)
	if l.origin == foreign {
		s.log.Info("this database was not made by Varve and is left as it is; `varve doctor` shows what would make it faster",
			"fast_list", l.features.FastList, "fast_search", l.features.FastSearch,
			"change_log", l.features.ChangeLog, "tombstones", l.features.Tombstones)
	}
}

// ready returns the layout, and makes the tables of conversations when there are
// none.
func (s *Store) ready(ctx context.Context) (*layout, error) {
	if l := s.layout.Load(); l != nil {
		return l, nil
	}
	s.making.Lock()
	defer s.making.Unlock()
	if l := s.layout.Load(); l != nil {
		return l, nil
	}
	l, err := s.introspect(ctx)
	if err == nil && l.origin == nobody {
		l, err = s.migrate(ctx, true)
	}
	if err != nil {
		return nil, err
	}
	if l.broken != nil {
		return nil, l.broken
	}
	s.use(ctx, l)
	return l, nil
}

// Chat implements store.Tx.
func (s *Store) Chat() chat.Store { return rooms{at: outer{s: s}} }

// Close waits for the calls that still run. It can be repeated.
func (s *Store) Close() error {
	s.keeper.close()
	s.pool.Close()
	return nil
}

// Secret implements store.Store.
func (s *Store) Secret(ctx context.Context, name string) ([]byte, error) {
	at := outer{s: s}
	l, err := at.ground(ctx)
	if err != nil {
		return nil, err
	}
	if !l.founded() {
		return nil, errs.New(errs.Unsupported, "there is no place for secrets in a database that Varve did not create; see `varve doctor`")
	}
	return l.secret(ctx, at, name)
}

// patience bounds what must not hang for ever: opening a connection.
const patience = 10 * time.Second
