package sqlite

import (
	"context"
	"math"
	"strconv"
	"time"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/state"
	"github.com/varvedb/varve/store/internal/sqlcore"
)

// versions serves the port of versioned tables, on the outer handle or inside
// an Update.
type versions struct {
	store *Store
	at    access
}

var _ state.Store = versions{}

// State implements store.Tx. The first Declare makes what the port needs.
func (s *Store) State() state.Store { return versions{s, s} }

// State implements store.Tx.
func (t *tx) State() state.Store { return versions{t.store, t} }

var versionDialect = sqlcore.VersionDialect{
	Param: func(n int) string { return "?" + strconv.Itoa(n) },
	Table: sqlcore.Quote,
	Place: sqlcore.Quote,
	Types: map[state.Type]string{state.Text: "TEXT", state.Integer: "INTEGER", state.Real: "REAL", state.Boolean: "INTEGER",
		state.Time: "INTEGER", state.Bytes: "BLOB", state.JSON: "TEXT"},
	Number: "INTEGER", Text: "TEXT", Flag: "INTEGER", False: "0",
	Widen: func(expr string, to state.Type) string {
		if to == state.Real {
			return "CAST(" + expr + " AS REAL)"
		}
		return "CAST(" + expr + " AS TEXT)"
	},
	Compare: func(expr string, _ state.Type) string { return expr },
	Has: func(expr, param string) string {
		return "(json_type(" + expr + ")='array' AND EXISTS (SELECT 1 FROM json_each(" + expr + ") j WHERE j.type='text' AND j.value=" + param + "))"
	},
}

var errNoVersions = errs.New(errs.Unsupported, "there is no place for versioned tables in a database that Varve did not make; `varve doctor --apply` makes one")

// statements are those for a table as a caller knows it. They are kept, since
// a program asks about few tables.
func (s *Store) statements(t *state.Table) *sqlcore.Versions {
	if v, ok := s.asked.Load(t.Name); ok && v.(*sqlcore.Versions).Reads(t) {
		return v.(*sqlcore.Versions)
	}
	v := sqlcore.NewVersions(t, &versionDialect)
	s.asked.Store(t.Name, v)
	return v
}

// read runs fn on a connection that reads. A table that there is not shows in
// a failure, so that nobody else has to ask for it.
func (r versions) read(ctx context.Context, table string, fn func(*conn) error) error {
	if !r.store.known.Load() {
		return errNoVersions
	}
	return r.at.read(ctx, func(c *conn) error { return c.declaredOr(table, fn(c)) })
}

func (r versions) write(ctx context.Context, table string, fn func(*conn) error) error {
	if !r.store.known.Load() {
		return errNoVersions
	}
	return r.at.write(ctx, func(c *conn) error { return c.declaredOr(table, fn(c)) })
}

// declaredOr is errs.NotFound in place of a failure for a table's absence.
func (c *conn) declaredOr(table string, err error) error {
	if err == nil || table == "" || errs.KindOf(err) != errs.Internal {
		return err
	}
	if ok, failed := c.has("table", sqlcore.LogTable(table)); failed == nil && !ok {
		return state.NoTable(table)
	}
	return err
}

// versions asks for versions.
func (c *conn) versions(v *sqlcore.Versions, sql string, args ...any) (out []state.Version, err error) {
	n := sqlcore.SystemFields + len(v.Table.Columns)
	err = c.query(sql, func(r sqlcore.Row) error {
		fields := make([]any, n)
		if err := r.(row).Columns(fields...); err != nil {
			return err
		}
		out = append(out, v.Version(fields))
		return nil
	}, args...)
	return out, err
}

// version asks for one version, nil when there is none. It looks no further.
func (c *conn) version(v *sqlcore.Versions, sql string, args ...any) (*state.Version, error) {
	s, err := c.prepare(sql)
	if err == nil {
		err = bind(s, args)
	}
	if err != nil {
		return nil, classify(err)
	}
	var found *state.Version
	if s.Step() {
		fields := make([]any, sqlcore.SystemFields+len(v.Table.Columns))
		if err = s.Columns(fields...); err == nil {
			one := v.Version(fields)
			found = &one
		}
	}
	if failed := s.Reset(); err == nil {
		err = failed
	}
	return found, classify(err)
}

// Get implements state.Store.
func (r versions) Get(ctx context.Context, t *state.Table, key string, at int64) (got state.Version, err error) {
	v := r.store.statements(t)
	err = r.read(ctx, t.Name, func(c *conn) error {
		var found *state.Version
		var err error
		if at == 0 {
			found, err = c.version(v, v.Newest, key)
		} else {
			found, err = c.version(v, v.AsOf, key, at)
		}
		if err == nil && found == nil {
			err = state.NoRow()
		}
		if err == nil {
			got = *found
		}
		return err
	})
	return got, err
}

// Scan implements state.Store.
func (r versions) Scan(ctx context.Context, t *state.Table, q state.Scan) (found []state.Version, err error) {
	v := r.store.statements(t)
	sql, args, err := v.Scan(&q)
	if err != nil {
		return nil, err
	}
	return r.list(ctx, v, sql, args...)
}

// History implements state.Store.
func (r versions) History(ctx context.Context, t *state.Table, key string, before int64, limit int) ([]state.Version, error) {
	v := r.store.statements(t)
	if before == 0 {
		before = math.MaxInt64
	}
	return r.list(ctx, v, v.History, key, before, limit)
}

// Log implements state.Store.
func (r versions) Log(ctx context.Context, t *state.Table, after int64, limit int) ([]state.Version, error) {
	v := r.store.statements(t)
	return r.list(ctx, v, v.Log, after, limit)
}

func (r versions) list(ctx context.Context, v *sqlcore.Versions, sql string, args ...any) (found []state.Version, err error) {
	err = r.read(ctx, v.Table.Name, func(c *conn) error {
		found, err = c.versions(v, sql, args...)
		return err
	})
	return found, err
}

// Head implements state.Store.
func (r versions) Head(ctx context.Context, t *state.Table) (h state.Head, err error) {
	v := r.store.statements(t)
	err = r.read(ctx, t.Name, func(c *conn) error {
		found := false
		err := c.query(v.Head, func(got sqlcore.Row) error {
			n := got.(row)
			h, found = state.Head{Seq: n.ColumnInt64(0), Generation: n.ColumnInt64(1)}, true
			return nil
		}, v.Name)
		if err == nil && !found {
			err = state.NoTable(t.Name)
		}
		return err
	})
	return h, err
}

// Position implements state.Store.
func (r versions) Position(ctx context.Context, t *state.Table, at time.Time) (seq int64, err error) {
	v := r.store.statements(t)
	err = r.read(ctx, t.Name, func(c *conn) error {
		seq, err = c.number(v.Position, at.UnixMicro())
		return err
	})
	return seq, err
}
