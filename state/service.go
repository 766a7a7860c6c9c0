package state

import (
	"context"
	"crypto/rand"
	"log/slog"
	"time"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/page"
)

// Options tune a [Service]. The zero value works.
type Options struct {
	// Secret signs cursors; processes that share a database share it. nil: a
	// random one.
	Secret []byte
	// Now is the clock.
	Now func() time.Time
	// Poll is how often Watch looks for what other processes wrote. Default:
	// 50 ms. It hears at once of what this process writes.
	Poll time.Duration
	Log  *slog.Logger
}

func (o Options) withDefaults() Options {
	if o.Secret == nil {
		o.Secret = make([]byte, 32)
		rand.Read(o.Secret)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Poll <= 0 {
		o.Poll = 50 * time.Millisecond
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// Service is what callers hold: it does once, above every store, what must not
// differ between stores. It is safe for concurrent use and runs nothing in the
// background.
//
// Errors of all its methods: errs.Invalid, naming the column or field, for
// what is wrong by itself; errs.NotFound for a row or table that is not there,
// or not the acting user's; errs.Exists and errs.Conflict when another was
// first; errs.Gone for a state that was compacted away or cleared;
// errs.Forbidden for what an acting user may not do; errs.Unsupported where
// the database keeps no versioned tables.
type Service struct {
	store Store
	opt   Options
	news  *news
	user  *string // the acting user, nil: all rows
	actor string
}

// NewService makes a service over a store.
func NewService(store Store, opt Options) *Service {
	return &Service{store: store, opt: opt.withDefaults(), news: newNews()}
}

// State returns the service itself, so that it can stand where a database
// does: in [TableOf].
func (s *Service) State() *Service { return s }

// In returns the same service on the store of a transaction. What it writes
// wakes watchers of this process when [Service.Nudge] says that it is
// committed.
func (s *Service) In(tx Store) *Service {
	in := *s
	in.store, in.news = tx, nil
	return &in
}

// As returns the service acting for a user: it sees and writes that user's
// rows and no others, and what it appends is the user's. An empty user is one
// like any other. Tables without an owner have everybody's rows.
func (s *Service) As(user string) *Service {
	as := *s
	as.user = &user
	return &as
}

// By returns the service with a name that its versions bear as their actor.
// It changes nothing about what may be seen or written.
func (s *Service) By(actor string) *Service {
	by := *s
	by.actor = actor
	return &by
}

// Nudge tells watchers of this process to look now, after the commit of a
// transaction.
func (s *Service) Nudge() {
	if s.news != nil {
		s.news.publish()
	}
}

// Tables lists the declared tables in the order of their names.
func (s *Service) Tables(ctx context.Context) ([]Table, error) {
	return s.store.Tables(ctx)
}

// Declare makes a table, or brings it up to a newer declaration: columns are
// added, renamed ([Column.Was]) and widened (integer to real or text) without
// rewriting a row. Columns that the declaration lacks stay. errs.Conflict,
// naming the column, when the declaration contradicts the table.
func (s *Service) Declare(ctx context.Context, schema Schema) (*Rows, error) {
	if err := schema.check(); err != nil {
		return nil, err
	}
	t, err := s.store.Declare(ctx, schema)
	if err != nil {
		return nil, err
	}
	return newRows(s, t), nil
}

// Open returns a declared table. errs.NotFound when there is none.
func (s *Service) Open(ctx context.Context, name string) (*Rows, error) {
	t, err := s.table(ctx, name)
	if err != nil {
		return nil, err
	}
	return newRows(s, t), nil
}

func (s *Service) table(ctx context.Context, name string) (Table, error) {
	tables, err := s.store.Tables(ctx)
	if err != nil {
		return Table{}, err
	}
	for _, t := range tables {
		if sameName(t.Name, name) {
			return t, nil
		}
	}
	return Table{}, NoTable(name)
}

// NoTable is the error of a store for a table that was never declared.
func NoTable(name string) error {
	return errs.Field(errs.NotFound, "table", "there is no table %q; declare it first", name)
}

// Clear forgets all rows of the named tables with their history, or those of
// all tables. It cannot be undone. The tables stay declared, and an older
// state is errs.Gone.
func (s *Service) Clear(ctx context.Context, names ...string) error {
	if s.user != nil {
		return errs.New(errs.Forbidden, "only a caller that acts for no user may clear tables")
	}
	tables, err := s.store.Tables(ctx)
	if err != nil {
		return err
	}
	var clear []string
	for _, name := range names {
		i := indexTable(tables, name)
		if i < 0 {
			return NoTable(name)
		}
		clear = append(clear, tables[i].Name)
	}
	if len(names) == 0 {
		for _, t := range tables {
			clear = append(clear, t.Name)
		}
	}
	if len(clear) == 0 {
		return nil
	}
	defer s.Nudge()
	return s.store.Clear(ctx, clear)
}

func indexTable(tables []Table, name string) int {
	for i := range tables {
		if sameName(tables[i].Name, name) {
			return i
		}
	}
	return -1
}

func (s *Service) signer() page.Signer { return page.Signer{Secret: s.opt.Secret} }
