// Package mysql is the store on MariaDB 10.6 and later, and on MySQL 8.
//
//	db, err := mysql.Open(ctx, "mysql://user:password@host:3306/database", mysql.Options{})
//	defer db.Close()
//	err = db.Chat().ApplyStep(ctx, step, chat.Write{Now: time.Now()})
//
// Chainlit has no layer for these servers, so the tables are Varve's own, with
// Chainlit's nouns and keys as names. They are made at the first use of
// conversations; a table of somebody else's with one of their names is refused.
//
// A write looks and locks in one round trip and writes in another, with the
// notes of what it changed and the commit. Nothing depends on a session beyond
// its transaction.
package mysql

import (
	"context"
	"database/sql"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/go-sql-driver/mysql"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/state"
	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/store/internal/sqlquery"
)

// Options tune a [Store]. The zero value works.
type Options struct {
	Log *slog.Logger
}

// Store is an open database. It is safe for concurrent use.
type Store struct {
	db    *sql.DB
	log   *slog.Logger
	limit int // the server's max_allowed_packet
	seen  sqlquery.Seen

	collation string // see layout
	keeper    *keeper

	layout  atomic.Pointer[layout] // nil until somebody needs it
	bare    atomic.Pointer[layout] // where conversations cannot be kept
	founded atomic.Bool            // Varve's own tables are there
	making  sync.Mutex             // one introspection or migration at a time

	components atomic.Bool // there are tables for them
	unwritable atomic.Bool // the server's disk refused a write
}

var (
	_ store.Store  = (*Store)(nil)
	_ store.Doctor = (*Store)(nil)
	_ chat.Store   = rooms{}
)

// Open connects. url is mysql://user:password@host:3306/database, with mariadb
// and SQLAlchemy's mysql+driver as other spellings of its scheme, and the
// parameters tls, ssl_ca, unix_socket, timeout and max_conns. Tables that Varve
// made are migrated here; nothing is made.
func Open(ctx context.Context, url string, opt Options) (*Store, error) {
	config, conns, err := parse(url)
	if err != nil {
		return nil, err
	}
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return nil, badURL()
	}
	s := &Store{db: sql.OpenDB(connector), log: opt.Log}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.db.SetMaxOpenConns(conns)
	s.db.SetMaxIdleConns(conns)
	if err := s.look(ctx); err != nil {
		s.db.Close()
		return nil, err
	}
	s.keeper = s.keep()
	return s, nil
}

// Chat implements store.Tx.
func (s *Store) Chat() chat.Store { return rooms{at: outer{s}} }

// State implements store.Tx.
func (s *Store) State() state.Store { return state.Unserved{Engine: "MySQL"} }

// Close waits for the calls that still run. It can be repeated.
func (s *Store) Close() error {
	s.keeper.close()
	return classify(s.db.Close())
}
