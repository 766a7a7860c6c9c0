package postgres

import (
	"cmp"
	"context"
	"encoding/binary"
	"hash/fnv"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/query"
	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/store/internal/sqlquery"
)

// dataVersion is the number of the migration that makes the catalogue of the
// databackend.
const dataVersion = 7

// data serves the port of the databackend, on the outer handle or inside an
// Update.
type data struct {
	s  *Store
	at access
}

var _ query.Store = data{}

// Query implements store.Tx.
func (s *Store) Query() query.Store { return data{s, outer{s: s}} }

// Query implements store.Tx. What is selected is read whole before the first
// row is given out, since what comes next needs the connection.
func (in inner) Query() query.Store { return data{in.s, in} }

// Features implements query.Store.
func (q data) Features() query.Features {
	l, err := q.layout(context.Background())
	return query.Features{Transactions: true, Changes: err == nil && l.founded(), Foreign: true, Raw: true, Reserved: true, MaxColumns: 1600}
}

// table finds a table: the user's go before versioned ones, and those before
// conversations. Inside an Update nothing is remembered, since it may be undone.
func (q data) table(ctx context.Context, name string) (*sqlquery.Table, error) {
	_, outside := q.at.(outer)
	if outside {
		if err := q.reachable(ctx); err != nil {
			return nil, err
		}
		if t := q.s.seen.Get(name); t != nil {
			return t, nil
		}
	}
	found, err := q.find(ctx, name)
	if err != nil {
		return nil, err
	}
	for _, t := range found {
		if t.Name != name {
			continue
		}
		if outside && t.Reserved != query.StateRoom && !t.Unmade() {
			q.s.seen.Put(t)
		}
		return t, nil
	}
	return nil, sqlquery.Missing(name)
}

func (q data) reachable(ctx context.Context) error {
	_, err := q.layout(ctx)
	return err
}

// layout is that of the database, whether conversations can be kept in it or
// not: a database of tables of somebody's own may well have one called users.
// Questions make no tables of conversations.
func (q data) layout(ctx context.Context) (*layout, error) {
	if in, inside := q.at.(inner); inside {
		return in.l, nil
	}
	if err := store.Outer(ctx); err != nil {
		return nil, err
	}
	return q.s.whatever(ctx)
}

// anew is the layout once more, for who finds no conversations in it: somebody
// may keep some here by now.
func anew(ctx context.Context, at access, l *layout) (*layout, error) {
	o, outside := at.(outer)
	if !outside {
		return l, nil
	}
	o.s.bare.Store(nil)
	return o.ground(ctx)
}

// whatever is the layout of the database as it is, with or without tables of
// conversations, for those who need none. One that Chainlit did not make gets
// Varve's own tables.
func (s *Store) whatever(ctx context.Context) (*layout, error) {
	known := func() *layout { return cmp.Or(s.layout.Load(), s.bare.Load()) }
	if l := known(); l != nil {
		return l, nil
	}
	s.making.Lock()
	defer s.making.Unlock()
	if l := known(); l != nil {
		return l, nil
	}
	l, err := s.introspect(ctx)
	if err == nil && (l.origin == nobody || l.broken != nil) && l.takes(false) {
		l, err = s.migrate(ctx, false)
	}
	if err != nil {
		return nil, err
	}
	if l.broken != nil && errs.KindOf(l.broken) != errs.Invalid {
		return nil, l.broken
	}
	if l.broken == nil && l.origin != nobody {
		s.use(ctx, l)
	} else {
		s.bare.Store(l)
	}
	return l, nil
}

// Tables implements query.Store.
func (q data) Tables(ctx context.Context) ([]query.Table, error) {
	found, err := q.find(ctx, "")
	if err != nil {
		return nil, err
	}
	slices.SortFunc(found, func(a, b *sqlquery.Table) int { return strings.Compare(a.Name, b.Name) })
	out := make([]query.Table, len(found))
	for i, t := range found {
		out[i] = t.Table
	}
	return out, nil
}

// Table implements query.Store. For a second it may be what it was before
// another program changed it.
func (q data) Table(ctx context.Context, name string) (query.Table, error) {
	t, err := q.table(ctx, name)
	if err != nil {
		return query.Table{}, err
	}
	return t.Table, nil
}

// planned is a table of a plan as it is now.
func (q data) planned(ctx context.Context, t *query.Table) (*sqlquery.Table, error) {
	now, err := q.table(ctx, t.Name)
	if errs.KindOf(err) == errs.NotFound {
		return nil, errs.Wrap(errs.Conflict, err, "the table %q is not there any more", t.Name)
	}
	if err != nil {
		return nil, err
	}
	return now, now.Check(t)
}

// changed looks again at tables about which a statement failed, and is
// errs.Conflict where they are not as the plan has them.
func (q data) changed(ctx context.Context, failed error, tables ...*query.Table) error {
	if failed == nil || !stale[code(failed)] {
		return failed
	}
	for _, t := range tables {
		q.s.seen.Forget(t.Name)
	}
	if errs.KindOf(failed) == errs.Conflict {
		return failed
	}
	for _, t := range tables {
		if _, err := q.planned(ctx, t); errs.KindOf(err) == errs.Conflict {
			return err
		}
	}
	return failed
}

// stale are the codes of failures that a table which changed may cause: no
// such table or column, another type, or another edition.
var stale = map[string]bool{"42P01": true, "42703": true, "42804": true, "42883": true, "0A000": true, "22P02": true, "42846": true, "22012": true, otherType: true}

// otherType is the code for an answer whose columns have other types.
const otherType = "varve"

// stamped marks a statement with what its tables are. The driver keeps what
// the server told it about a statement by its text: about a table that was
// dropped and made again, with other types, it would go on to send the old ones.
func stamped(sql string, tables ...*sqlquery.Table) string {
	h := fnv.New64a()
	for _, t := range tables {
		_, _ = h.Write(binary.LittleEndian.AppendUint64(nil, uint64(t.Edition)))
		for i := range t.Native {
			_, _ = io.WriteString(h, t.Native[i].Native)
		}
	}
	return sql + " --" + strconv.FormatUint(h.Sum64(), 36)
}

// Select implements query.Store.
func (q data) Select(ctx context.Context, p *query.Plan) iter.Seq2[[]any, error] {
	return func(yield func([]any, error) bool) {
		tables := make([]*sqlquery.Table, len(p.Tables))
		plain := make([]*query.Table, len(p.Tables))
		for i := range p.Tables {
			t, err := q.planned(ctx, p.Tables[i].Table)
			if err != nil {
				yield(nil, err)
				return
			}
			tables[i], plain[i] = t, p.Tables[i].Table
		}
		l, err := q.layout(ctx)
		if err == nil {
			var asked *sqlquery.Asked
			if asked, err = sqlquery.Select(p, tables, l.dataDialect()); err == nil {
				stopped := false
				asked.SQL = stamped(asked.SQL, tables...)
				err = q.stream(ctx, asked, func(row []any) bool {
					stopped = !yield(row, nil)
					return !stopped
				})
				if stopped {
					return
				}
			}
		}
		if err != nil {
			yield(nil, q.changed(ctx, err, plain...))
		}
	}
}
