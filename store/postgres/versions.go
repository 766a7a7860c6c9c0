package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"math"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/state"
	"github.com/varvedb/varve/store/internal/sqlcore"
)

// versions serves the port of versioned tables.
type versions struct {
	s  *Store
	at access
}

var _ state.Store = versions{}

// State implements store.Tx.
func (s *Store) State() state.Store { return versions{s, outer{s: s}} }

// State implements store.Tx.
func (in inner) State() state.Store { return versions{in.s, in} }

// known is what is remembered of versioned tables.
type known struct {
	asked    sync.Map // name → *sqlcore.Versions, as callers know it
	declared sync.Map // the same → *declared, as the catalogue has it
	queues   sync.Map // the same → *queue
}

// Times are kept as numbers, which are exact, compare as positions do and are
// the same on every database; JSON as text that nobody rewrites.
func (l *layout) versionDialect() *sqlcore.VersionDialect {
	const text = `TEXT COLLATE "C"`
	return &sqlcore.VersionDialect{
		Param: func(n int) string { return "$" + strconv.Itoa(n) },
		Table: l.varve,
		Place: column,
		Types: map[state.Type]string{state.Text: text, state.Integer: "BIGINT", state.Real: "DOUBLE PRECISION", state.Boolean: "BOOLEAN",
			state.Time: "BIGINT", state.Bytes: "BYTEA", state.JSON: "JSON"},
		Number: "BIGINT", Text: text, Flag: "BOOLEAN", False: "false", Heads: " WITH (fillfactor = 80)",
		Counted: true, Key: bounded,
		Widen: func(expr string, to state.Type) string {
			if to == state.Real {
				return expr + "::double precision"
			}
			return expr + `::text COLLATE "C"`
		},
		Compare: func(expr string, t state.Type) string {
			if t == state.JSON {
				return "(" + expr + `)::text COLLATE "C"`
			}
			return expr
		},
		Has: func(expr, param string) string {
			return "CASE WHEN json_typeof(" + expr + ")='array' THEN EXISTS (SELECT FROM json_array_elements(" + expr +
				") AS j(v) WHERE json_typeof(j.v)='string' AND j.v#>>'{}'=" + param + ") ELSE false END"
		},
	}
}

// column is the name of a column that holds values. PostgreSQL has some names
// for itself; no column of a user's begins with an underscore.
func column(name string) string {
	switch name {
	case "ctid", "xmin", "xmax", "cmin", "cmax", "tableoid":
		name = "_" + name
	}
	return sqlcore.Quote(name)
}

// An entry of an index holds 2,704 bytes at most, and a key may be longer. Such
// a one is kept as its beginning and its hash, longer than any that is not.
const (
	longest = 2000
	hashed  = 2400
)

func bounded(key string) string {
	if len(key) <= longest {
		return key
	}
	sum := sha256.Sum256([]byte(key))
	end := hashed - 2*len(sum)
	if end > len(key) {
		end = len(key)
	}
	for end > 0 && end < len(key) && !utf8.RuneStart(key[end]) {
		end--
	}
	return key[:end] + strings.Repeat(" ", hashed-2*len(sum)-end) + hex.EncodeToString(sum[:])
}

// ready is the layout of a database that may keep versioned tables.
func (r versions) ready(ctx context.Context) (*layout, error) {
	l, err := r.at.ground(ctx)
	if err != nil {
		return nil, err
	}
	if !l.founded() || !l.has(stateVersion) {
		return nil, errs.New(errs.Unsupported, "there is no place for versioned tables in a database that Varve did not create; `varve doctor --apply` makes one")
	}
	return l, nil
}

// statements are those for a table as a caller knows it. They are kept, since
// a program asks about few tables.
func (r versions) statements(l *layout, t *state.Table) *sqlcore.Versions {
	if v, ok := r.s.known.asked.Load(t.Name); ok && v.(*sqlcore.Versions).Reads(t) {
		return v.(*sqlcore.Versions)
	}
	v := sqlcore.NewVersions(t, l.versionDialect())
	r.s.known.asked.Store(t.Name, v)
	return v
}

// ask puts one question about a table as a caller knows it, in one round trip
// and so that its failure does not fail a transaction around it.
func (r versions) ask(ctx context.Context, t *state.Table, question func(*sqlcore.Versions) (sqlcore.Query, error)) error {
	l, err := r.ready(ctx)
	if err != nil {
		return err
	}
	q, err := question(r.statements(l, t))
	if err != nil {
		return err
	}
	at := r.at
	if _, declared := r.s.known.declared.Load(sqlcore.TableName(t.Name)); !declared {
		at = at.once() // the server would refuse to prepare it
	}
	err = at.write(ctx, q)
	if code(err) == "42P01" {
		return state.NoTable(t.Name)
	}
	return err
}

// list asks for versions.
func (r versions) list(ctx context.Context, t *state.Table, question func(*sqlcore.Versions) (string, []any, error)) (found []state.Version, err error) {
	err = r.ask(ctx, t, func(v *sqlcore.Versions) (sqlcore.Query, error) {
		sql, args, err := question(v)
		return sqlcore.Query{SQL: sql, Args: args, Each: collect(v, &found)}, err
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// collect reads versions off an answer.
func collect(v *sqlcore.Versions, into *[]state.Version) func(sqlcore.Row) error {
	return func(got sqlcore.Row) error {
		fields, err := fieldsOf(v, got.(row))
		if err != nil {
			return err
		}
		*into = append(*into, v.Version(fields))
		return nil
	}
}

// fieldsOf reads what PostgreSQL writes in its text form.
func fieldsOf(v *sqlcore.Versions, r row) (fields []any, err error) {
	fields = make([]any, len(r))
	for i, text := range r {
		if text == nil {
			continue
		}
		t := state.Integer
		switch {
		case i >= sqlcore.SystemFields:
			t = v.Table.Columns[i-sqlcore.SystemFields].Type
		case i == sqlcore.OpField || i == sqlcore.ActorField:
			t = state.Text
		}
		switch t {
		case state.Integer, state.Time:
			fields[i], err = strconv.ParseInt(string(text), 10, 64)
		case state.Real:
			fields[i], err = strconv.ParseFloat(string(text), 64)
		case state.Boolean:
			fields[i] = r.flag(i)
		case state.Bytes:
			raw := make([]byte, max(0, hex.DecodedLen(len(text)-2)))
			_, err = hex.Decode(raw, text[min(2, len(text)):])
			fields[i] = raw
		default:
			fields[i] = string(text)
		}
		if err != nil {
			return nil, errs.Wrap(errs.Internal, err, "a value of the table %q cannot be read", v.Table.Name)
		}
	}
	return fields, nil
}

// Get implements state.Store.
func (r versions) Get(ctx context.Context, t *state.Table, key string, at int64) (state.Version, error) {
	found, err := r.list(ctx, t, func(v *sqlcore.Versions) (string, []any, error) {
		if at == 0 {
			return v.Newest, []any{bounded(key)}, nil
		}
		return v.AsOf, []any{bounded(key), at}, nil
	})
	if err == nil && len(found) == 0 {
		err = state.NoRow()
	}
	if err != nil {
		return state.Version{}, err
	}
	return found[0], nil
}

// Scan implements state.Store.
func (r versions) Scan(ctx context.Context, t *state.Table, q state.Scan) ([]state.Version, error) {
	r.at = r.at.once() // the best plan depends on the values
	return r.list(ctx, t, func(v *sqlcore.Versions) (string, []any, error) { return v.Scan(&q) })
}

// History implements state.Store.
func (r versions) History(ctx context.Context, t *state.Table, key string, before int64, limit int) ([]state.Version, error) {
	if before == 0 {
		before = math.MaxInt64
	}
	return r.list(ctx, t, func(v *sqlcore.Versions) (string, []any, error) {
		return v.History, []any{bounded(key), before, limit}, nil
	})
}

// Log implements state.Store.
func (r versions) Log(ctx context.Context, t *state.Table, after int64, limit int) ([]state.Version, error) {
	return r.list(ctx, t, func(v *sqlcore.Versions) (string, []any, error) { return v.Log, []any{after, limit}, nil })
}

// Head implements state.Store.
func (r versions) Head(ctx context.Context, t *state.Table) (h state.Head, err error) {
	found := false
	err = r.ask(ctx, t, func(v *sqlcore.Versions) (sqlcore.Query, error) {
		return sqlcore.Query{SQL: v.Head, Args: []any{v.Name}, Each: func(got sqlcore.Row) error {
			n := got.(row)
			h, found = state.Head{Seq: position(n.text(0)), Generation: position(n.text(1))}, true
			return nil
		}}, nil
	})
	if err == nil && !found {
		err = state.NoTable(t.Name)
	}
	return h, err
}

// Position implements state.Store.
func (r versions) Position(ctx context.Context, t *state.Table, at time.Time) (seq int64, err error) {
	err = r.ask(ctx, t, func(v *sqlcore.Versions) (sqlcore.Query, error) {
		return sqlcore.Query{SQL: v.Position, Args: []any{at.UnixMicro()}, Each: func(got sqlcore.Row) error {
			seq = position(got.(row).text(0))
			return nil
		}}, nil
	})
	return seq, err
}
