package query

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/internal/datum"
)

// Options tune a [Service]. The zero value works.
type Options struct {
	// Now is the clock.
	Now func() time.Time
	// Fold is the probability with which a row belongs to the fold "valid".
	// Default: 0.05; less than 0: none does.
	Fold float64
	// FoldSeed chooses which rows those are.
	FoldSeed string
	// Strict: a table that is not there is not made from the first row.
	Strict bool
	// RawWrite lets a [Raw] write.
	RawWrite bool
	// Actor tells for whom a call acts by its context, "" for nobody; see
	// [Service.As]. nil: contexts say nothing of it.
	Actor func(ctx context.Context) string
	Log   *slog.Logger
}

func (o Options) withDefaults() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Fold == 0 {
		o.Fold = 0.05
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
// Errors of all its methods: errs.Invalid, naming the column, field or row, for
// what is wrong with a question; errs.NotFound for a table that is not there;
// errs.Exists for a key that is taken; errs.TooLarge over a stated limit;
// errs.Conflict when a table was changed at the same time, again and again;
// errs.Forbidden for what an acting user may not do; errs.Unsupported for what
// this database or version cannot.
type Service struct {
	store Store
	opt   Options
	user  *string // the acting user, nil: everything
	keys  *keys

	withheld func(Table) error // why a reserved table may not be asked; nil: all may
}

// NewService makes a service over a store.
func NewService(store Store, opt Options) *Service {
	return &Service{store: store, opt: opt.withDefaults(), keys: &keys{}}
}

// In returns the same service on the store of a transaction.
func (s *Service) In(tx Store) *Service {
	in := *s
	in.store = tx
	return &in
}

// As returns the service acting for a user. Of reserved tables it sees that
// user's rows, as if there were no others; a reserved table whose rows belong
// to nobody, and a [Raw], are errs.Forbidden. The user's own tables are
// everybody's.
func (s *Service) As(user string) *Service {
	as := *s
	as.user = &user
	return &as
}

// Withholding returns the service for a caller from whom reserved tables are
// kept: those for which why has an error are refused with it, and are not
// listed.
func (s *Service) Withholding(why func(Table) error) *Service {
	out := *s
	out.withheld = why
	return &out
}

// acting is the service for the user of a context, unless it acts for one
// already.
func (s *Service) acting(ctx context.Context) *Service {
	if s.user != nil || s.opt.Actor == nil {
		return s
	}
	if user := s.opt.Actor(ctx); user != "" {
		return s.As(user)
	}
	return s
}

// Features tells what the database can do.
func (s *Service) Features() Features { return s.store.Features() }

// Execute answers a question. What it writes is written when it returns; the
// rows of a select and of a raw question are read as they are asked for, see
// [Result].
func (s *Service) Execute(ctx context.Context, question Question) (*Result, error) {
	q := question.Query()
	if err := q.check(); err != nil {
		return nil, err
	}
	s = s.acting(ctx)
	switch {
	case q.Select != nil:
		return s.selects(ctx, q.Select)
	case q.Insert != nil:
		return again(func() (*Result, error) { return s.insert(ctx, q.Insert) })
	case q.Update != nil:
		return again(func() (*Result, error) { return s.update(ctx, q.Update) })
	case q.Delete != nil:
		return again(func() (*Result, error) { return s.remove(ctx, q.Delete) })
	case q.Raw != nil:
		return s.raw(ctx, q.Raw)
	}
	return nil, errs.Field(errs.Unsupported, "predict", "no engine runs models yet")
}

// attempts is how often a question is asked whose table changes meanwhile.
const attempts = 3

// again asks once more where a table was no longer as it had just been.
func again[T any](ask func() (T, error)) (out T, err error) {
	for range attempts {
		if out, err = ask(); !errors.Is(err, errs.Conflict) {
			return out, err
		}
	}
	return out, err
}

// Tables lists the tables that the caller may read, in the order of their
// names.
func (s *Service) Tables(ctx context.Context) ([]Table, error) {
	all, err := s.store.Tables(ctx)
	if err != nil {
		return nil, err
	}
	tables := []Table{}
	s = s.acting(ctx)
	for _, t := range all {
		if s.readable(t) == nil {
			tables = append(tables, t)
		}
	}
	return tables, nil
}

// Describe tells about one table. errs.NotFound when there is none.
func (s *Service) Describe(ctx context.Context, name string) (Table, error) {
	src, err := s.acting(ctx).source(ctx, name)
	if err != nil {
		return Table{}, err
	}
	return *src.Table, nil
}

// table finds a table, and says what there is where it is not.
func (s *Service) table(ctx context.Context, name string) (Table, error) {
	if datum.CheckText(name) != nil { // which not every database can even be asked for
		return Table{}, errs.Field(errs.NotFound, "table", "there is no table whose name is no text")
	}
	t, err := s.store.Table(ctx, name)
	if !errors.Is(err, errs.NotFound) {
		return t, err
	}
	tables, failed := s.Tables(ctx)
	if failed != nil {
		return t, failed
	}
	names := make([]string, len(tables))
	for i := range tables {
		names[i] = tables[i].Name
	}
	return t, errs.Field(errs.NotFound, "table", "there is no table %q%s", name, suggestion(name, names))
}

// CreateTable makes a table, or does nothing where it is there with the same
// columns and key; the column _fold is added where it is missing. It returns
// the table as it is. errs.Exists where it is there and differs, naming the
// column, and where only case tells it from another table; errs.Invalid for
// names that are reserved.
func (s *Service) CreateTable(ctx context.Context, t Table) (Table, error) {
	t, err := s.Creatable(ctx, t)
	if err != nil {
		return Table{}, err
	}
	if err := s.store.Create(ctx, t); err != nil {
		return Table{}, err
	}
	s.opt.Log.InfoContext(ctx, "table made", "table", t.Name, "columns", len(t.Columns))
	return s.store.Table(ctx, t.Name)
}

// Creatable is a table as CreateTable would make it, or that one's error, but
// for a table that is there and differs.
func (s *Service) Creatable(ctx context.Context, t Table) (Table, error) {
	t.Columns = append([]Column(nil), t.Columns...)
	if t.Index(Fold) < 0 {
		t.Columns = append(t.Columns, Column{Name: Fold, Type: Type{Kind: Text}})
	}
	if err := CheckTable(t); err != nil {
		return Table{}, err
	}
	if most := s.Features().MaxColumns; most > 0 && len(t.Columns) > most {
		return Table{}, errs.Field(errs.TooLarge, "columns", "are %d; this database has at most %d in a table", len(t.Columns), most)
	}
	t.Columns[t.Index(t.Key)].Required = true
	return t, s.free(ctx, t.Name)
}

// free refuses names that are another's.
func (s *Service) free(ctx context.Context, name string) error {
	tables, err := s.store.Tables(ctx)
	if err != nil {
		return err
	}
	for _, t := range append(tables, conversations...) {
		switch {
		case !strings.EqualFold(t.Name, name):
		case t.Reserved != "":
			return errs.Field(errs.Invalid, "table", "%q is the name of a table of %s; choose another", name, roomOf(t))
		case t.Name != name:
			return errs.Field(errs.Exists, "table", "%q differs from the table %q by case alone, which not every database tells", name, t.Name)
		}
	}
	return nil
}

func roomOf(t Table) string {
	if t.Reserved == ChatRoom {
		return "conversations"
	}
	return "versioned rows"
}

// DropTable takes a table away that Varve made, with its rows. errs.NotFound;
// errs.Forbidden for tables that others made, and to acting users.
func (s *Service) DropTable(ctx context.Context, name string) error {
	if s.acting(ctx).user != nil {
		return errs.New(errs.Forbidden, "only a caller that acts for no user may drop tables")
	}
	t, err := s.table(ctx, name)
	if err != nil {
		return err
	}
	if t.Reserved != "" || !t.Created {
		return errs.Field(errs.Forbidden, "table", "%q was not made here; who made it may drop it", name)
	}
	return s.store.Drop(ctx, name)
}
