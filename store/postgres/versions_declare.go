package postgres

import (
	"context"
	"slices"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/state"
	"github.com/varvedb/varve/store/internal/sqlcore"
)

// stateVersion is the number of the migration that makes the catalogue.
const stateVersion = 5

// declared is a table of the catalogue as it stands under an edition.
type declared struct {
	edition  int64
	versions *sqlcore.Versions
}

// entry is a row of the catalogue with the counters of its table.
type entry struct {
	declared
	seq, at int64
}

// catalogue is the question for the tables that follows names.
func (r versions) catalogue(l *layout, follows string, into *[]entry, args ...any) sqlcore.Query {
	return sqlcore.Query{
		SQL:  `SELECT name,edition,generation,horizon,seq,at,declaration FROM ` + l.varve("varve_table") + follows,
		Args: args,
		Each: func(got sqlcore.Row) error {
			e, err := r.entry(l, got.(row))
			*into = append(*into, e)
			return err
		}}
}

func (r versions) entry(l *layout, got row) (entry, error) {
	name, generation, horizon := got.text(0), position(got.text(2)), position(got.text(3))
	e := entry{declared{edition: position(got.text(1))}, position(got.text(4)), position(got.text(5))}
	if d, ok := r.s.known.declared.Load(name); ok && d.(*declared).edition == e.edition {
		v := *d.(*declared).versions
		v.Table.Generation, v.Table.Horizon = generation, horizon
		e.versions = &v
		return e, nil
	}
	t, err := sqlcore.DecodeTable(name, got.text(6), e.edition, generation, horizon)
	if err != nil {
		return e, err
	}
	e.versions = sqlcore.NewVersions(&t, l.versionDialect())
	if _, inside := r.at.(inner); !inside { // what it sees may be undone yet
		r.s.known.declared.Store(name, &e.declared)
	}
	return e, nil
}

// Tables implements state.Store.
func (r versions) Tables(ctx context.Context) ([]state.Table, error) {
	l, err := r.ready(ctx)
	if err != nil {
		return nil, err
	}
	var found []entry
	if err := r.at.write(ctx, r.catalogue(l, ` ORDER BY name`, &found)); err != nil {
		return nil, err
	}
	var tables []state.Table
	for _, e := range found {
		tables = append(tables, e.versions.Table)
	}
	return tables, nil
}

// Declare implements state.Store. What is declared already is not written.
func (r versions) Declare(ctx context.Context, want state.Schema) (t state.Table, err error) {
	l, err := r.ready(ctx)
	if err != nil {
		return t, err
	}
	var found []entry
	name := sqlcore.TableName(want.Name)
	if err := r.at.write(ctx, r.catalogue(l, ` WHERE name=$1`, &found, name)); err != nil {
		return t, err
	}
	if len(found) > 0 {
		old := &found[0].versions.Table
		t, added, err := state.Evolve(old, want)
		if err != nil || len(added) == 0 && sqlcore.SameTable(old, &t) {
			return t, err
		}
	}
	err = r.at.atomic(ctx, func(at access) error {
		t, err = versions{r.s, at}.declare(ctx, l, want)
		return err
	})
	return t, err
}

// declare is Declare inside a transaction. Whoever comes second waits for the
// lock and sees what the first one made.
func (r versions) declare(ctx context.Context, l *layout, want state.Schema) (state.Table, error) {
	var found []entry
	err := r.at.Run(ctx, sqlcore.Query{SQL: lock}, r.catalogue(l, ` WHERE name=$1 FOR UPDATE`, &found, sqlcore.TableName(want.Name)))
	if err != nil {
		return state.Table{}, err
	}
	var old *state.Table
	if len(found) > 0 {
		old = &found[0].versions.Table
	}
	t, added, err := state.Evolve(old, want)
	if err != nil || old != nil && len(added) == 0 && sqlcore.SameTable(old, &t) {
		return t, err
	}
	v := sqlcore.NewVersions(&t, l.versionDialect())
	var ddl []sqlcore.Query
	if old == nil {
		if err := r.vacant(ctx, l, v); err != nil {
			return t, err
		}
		for _, sql := range v.Create() {
			ddl = append(ddl, sqlcore.Query{SQL: sql})
		}
	}
	for _, p := range added {
		if old != nil {
			ddl = append(ddl, sqlcore.Query{SQL: v.Add(p)})
		}
	}
	note, err := catalogued(l, v)
	if err != nil {
		return t, err
	}
	return v.Table, r.at.once().write(ctx, append(ddl, note)...)
}

// vacant refuses to take what is another's for a table of Varve's.
func (r versions) vacant(ctx context.Context, l *layout, v *sqlcore.Versions) (err error) {
	failed := r.at.Run(ctx, sqlcore.Query{
		SQL:  `SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid=c.relnamespace WHERE n.nspname=$1 AND c.relname=ANY($2::text[])`,
		Args: []any{l.schema, v.Names()},
		Each: func(got sqlcore.Row) error {
			err = errs.New(errs.Invalid, "there is something called %q that Varve did not make, and it needs the name for the table %q; rename that", got.(row).text(0), v.Table.Name)
			return nil
		}})
	if failed != nil {
		return failed
	}
	return err
}

// catalogued writes a declaration down under a new edition.
func catalogued(l *layout, v *sqlcore.Versions) (sqlcore.Query, error) {
	declaration, err := sqlcore.EncodeTable(&v.Table)
	v.Table.Edition = sqlcore.NewEdition()
	return sqlcore.Query{
		SQL: `INSERT INTO ` + l.varve("varve_table") + ` (name,declaration,edition,generation,horizon,seq,at) VALUES ($1,$2,$3,0,0,0,0)` +
			` ON CONFLICT (name) DO UPDATE SET declaration=EXCLUDED.declaration,edition=EXCLUDED.edition`,
		Args: []any{v.Name, declaration, v.Table.Edition},
	}, err
}

// Clear implements state.Store.
func (r versions) Clear(ctx context.Context, names []string) error {
	l, err := r.ready(ctx)
	if err != nil {
		return err
	}
	// Sorted, so that two that clear wait for each other in one order.
	wanted := make([]string, len(names))
	for i, name := range names {
		wanted[i] = sqlcore.TableName(name)
	}
	slices.Sort(wanted)
	wanted = slices.Compact(wanted)
	return r.at.atomic(ctx, func(at access) error {
		var found []entry
		if err := at.Run(ctx, r.catalogue(l, ` WHERE name=ANY($1::text[]) ORDER BY name FOR UPDATE`, &found, wanted)); err != nil {
			return err
		}
		for i, name := range wanted {
			if i >= len(found) || found[i].versions.Name != name {
				return state.NoTable(name)
			}
		}
		work := []sqlcore.Query{{
			SQL:  `UPDATE ` + l.varve("varve_table") + ` SET generation=generation+1,horizon=seq+1 WHERE name=ANY($1::text[])`,
			Args: []any{wanted}}}
		for _, e := range found {
			work = append(work, sqlcore.Query{SQL: e.versions.Truncate})
		}
		return at.once().write(ctx, work...)
	})
}

// compacted is how many versions are looked at in one transaction.
const compacted = 10_000

// Compact implements state.Store. The horizon is raised first, so that nobody
// is told half of a state; what is broken off the next one finishes. Writers
// do not wait for it.
func (r versions) Compact(ctx context.Context, t *state.Table, horizon, keep int64) (gone int64, err error) {
	l, err := r.ready(ctx)
	if err != nil {
		return 0, err
	}
	v, there := r.statements(l, t), false
	if keep > 0 {
		// No further than to where something goes.
		limit := horizon
		horizon = 0
		if err := r.at.write(ctx, sqlcore.Query{SQL: v.CompactFrom, Args: []any{limit, keep}, Each: func(got sqlcore.Row) error {
			horizon = position(got.(row).text(0))
			return nil
		}}); err != nil {
			return 0, err
		}
	}
	err = r.at.write(ctx, sqlcore.Query{
		SQL:  `UPDATE ` + l.varve("varve_table") + ` SET horizon=greatest(horizon,$2) WHERE name=$1 RETURNING 1`,
		Args: []any{v.Name, horizon}, Each: func(sqlcore.Row) error { there = true; return nil }})
	if err == nil && !there {
		err = state.NoTable(t.Name)
	}
	for from, to := int64(0), int64(0); err == nil && from < horizon; from = to {
		to = horizon
		err = r.at.write(ctx, sqlcore.Query{SQL: v.CompactBound, Args: []any{from, horizon, compacted}, Each: func(got sqlcore.Row) error {
			if text, ok := got.Text(0); ok {
				to = position(text)
			}
			return nil
		}})
		if err != nil {
			break
		}
		// Counting first keeps writers, who take the catalogue's row, from waiting
		// for what goes.
		err = r.at.write(ctx, sqlcore.Query{SQL: `WITH gone AS (` + v.Compact + ` RETURNING 1), told AS (UPDATE ` + l.varve("varve_table") +
			` SET edition=$5 WHERE name=$6 AND (SELECT count(*) FROM gone)>0) SELECT count(*) FROM gone`,
			Args: []any{from, to, horizon, keep, sqlcore.NewEdition(), v.Name},
			Each: func(got sqlcore.Row) error { gone += position(got.(row).text(0)); return nil }})
	}
	return gone, err
}
