package sqlite

import (
	"context"
	_ "embed"
	"slices"
	"time"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/state"
	"github.com/varvedb/varve/store/internal/sqlcore"
)

//go:embed migrations/0003_state.sql
var stateSQL string

// declared is a table of the catalogue as it stands under an edition.
type declared struct {
	edition  int64
	versions *sqlcore.Versions
}

// catalogue reads the tables that a condition names. Before the first Declare
// there is none to read.
func (s *Store) catalogue(c *conn, where string, args ...any) ([]declared, error) {
	found, err := s.readCatalogue(c, where, args...)
	if err == nil || errs.KindOf(err) != errs.Internal {
		return found, err
	}
	if clash := c.clash(); clash != nil {
		return nil, clash
	}
	switch ok, failed := c.has("table", "varve_table"); {
	case failed != nil:
		return nil, err
	case !ok:
		return nil, nil
	}
	return s.readCatalogue(c, where, args...) // the first Declare may have come in between
}

func (s *Store) readCatalogue(c *conn, where string, args ...any) (found []declared, err error) {
	err = c.query(`SELECT name,edition,generation,horizon,declaration FROM varve_table`+where, func(got sqlcore.Row) error {
		name, _ := got.Text(0)
		n := got.(row)
		edition, generation, horizon := n.ColumnInt64(1), n.ColumnInt64(2), n.ColumnInt64(3)
		if d, ok := s.declared.Load(name); ok && d.(*declared).edition == edition {
			v := *d.(*declared).versions
			v.Table.Generation, v.Table.Horizon = generation, horizon
			found = append(found, declared{edition, &v})
			return nil
		}
		declaration, _ := got.Text(4)
		t, err := sqlcore.DecodeTable(name, declaration, edition, generation, horizon)
		if err != nil {
			return err
		}
		d := declared{edition, sqlcore.NewVersions(&t, &versionDialect)}
		s.declared.Store(name, &d)
		found = append(found, d)
		return nil
	}, args...)
	return found, err
}

// table is one of the catalogue, nil when it is not there.
func (s *Store) table(c *conn, name string) (*sqlcore.Versions, error) {
	found, err := s.catalogue(c, ` WHERE name=?`, name)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return found[0].versions, nil
}

// Tables implements state.Store.
func (r versions) Tables(ctx context.Context) (tables []state.Table, err error) {
	err = r.read(ctx, "", func(c *conn) error {
		found, err := r.store.catalogue(c, ` ORDER BY name`)
		for _, d := range found {
			tables = append(tables, d.versions.Table)
		}
		return err
	})
	return tables, err
}

// Declare implements state.Store. What is declared already is not written.
func (r versions) Declare(ctx context.Context, want state.Schema) (t state.Table, err error) {
	name := sqlcore.TableName(want.Name)
	done := false
	err = r.read(ctx, name, func(c *conn) error {
		old, err := r.store.table(c, name)
		if err != nil || old == nil {
			return err
		}
		var added []state.Place
		t, added, err = state.Evolve(&old.Table, want)
		done = len(added) == 0 && sqlcore.SameTable(&old.Table, &t)
		return err
	})
	if err != nil || done {
		return t, err
	}
	err = r.write(ctx, name, func(c *conn) error {
		old, err := r.store.table(c, name)
		if err == nil {
			t, err = c.declare(old, want)
		}
		return err
	})
	return t, err
}

func (c *conn) declare(old *sqlcore.Versions, want state.Schema) (state.Table, error) {
	var before *state.Table
	if old != nil {
		before = &old.Table
	}
	t, added, err := state.Evolve(before, want)
	if err != nil || old != nil && len(added) == 0 && sqlcore.SameTable(before, &t) {
		return t, err
	}
	v := sqlcore.NewVersions(&t, &versionDialect)
	var ddl []string
	if before == nil {
		if ddl, err = c.create(v); err != nil {
			return t, err
		}
	} else {
		for _, p := range added {
			ddl = append(ddl, v.Add(p))
		}
	}
	for _, sql := range ddl {
		if err := c.db.Exec(sql); err != nil {
			return t, classify(err)
		}
	}
	err = c.catalogued(v)
	return v.Table, err
}

// create makes the catalogue where there is none, and refuses to take what is
// another's for a table of Varve's.
func (c *conn) create(v *sqlcore.Versions) ([]string, error) {
	if err := c.clash(); err != nil {
		return nil, err
	}
	if err := c.migrate("state", stateSQL, ""); err != nil {
		return nil, err
	}
	for _, name := range v.Names() {
		if _, there, err := c.text(`SELECT 1 FROM sqlite_master WHERE name=? COLLATE NOCASE`, name); err != nil {
			return nil, err
		} else if there {
			return nil, errs.New(errs.Invalid, "there is something called %q that Varve did not make, and it needs the name for the table %q; rename that", name, v.Table.Name)
		}
	}
	return v.Create(), nil
}

// catalogued writes a declaration down under a new edition.
func (c *conn) catalogued(v *sqlcore.Versions) error {
	t := &v.Table
	declaration, err := sqlcore.EncodeTable(t)
	if err != nil {
		return err
	}
	t.Edition = sqlcore.NewEdition()
	return c.exec(`INSERT INTO varve_table (name,declaration,edition,generation,horizon,seq,at) VALUES (?,?,?,?,?,0,0)`+
		` ON CONFLICT (name) DO UPDATE SET declaration=excluded.declaration,edition=excluded.edition`,
		v.Name, declaration, t.Edition, t.Generation, t.Horizon)
}

// plan begins a plan on what the catalogue and the log say now.
func (r versions) plan(c *conn, name string) (*sqlcore.Plan, error) {
	p := &sqlcore.Plan{}
	var edition, at int64
	found := false
	err := c.query(`SELECT edition,seq,at FROM varve_table WHERE name=?`, func(got sqlcore.Row) error {
		n := got.(row)
		edition, p.Seq, at, found = n.ColumnInt64(0), n.ColumnInt64(1), n.ColumnInt64(2), true
		return nil
	}, name)
	if err != nil || !found {
		return nil, cmpErr(err, state.NoTable(name))
	}
	if d, ok := r.store.declared.Load(name); ok && d.(*declared).edition == edition {
		p.Versions = d.(*declared).versions
	} else if p.Versions, err = r.store.table(c, name); err != nil {
		return nil, err
	}
	v := p.Versions
	err = c.query(v.Last, func(got sqlcore.Row) error {
		n := got.(row)
		p.Seq, at = n.ColumnInt64(0), n.ColumnInt64(1)
		return nil
	})
	if p.Seq > 0 {
		p.At = time.UnixMicro(at).UTC()
	}
	p.Newest = func(key string) (*state.Version, error) { return c.version(v, v.Newest, key) }
	p.Source = func(entity, number int64) (*state.Version, error) { return c.version(v, v.Source, entity, number) }
	return p, err
}

// Write implements state.Store.
func (r versions) Write(ctx context.Context, table string, ws []state.Write) (made []state.Version, err error) {
	name := sqlcore.TableName(table)
	err = r.write(ctx, name, func(c *conn) error {
		p, err := r.plan(c, name)
		if err != nil {
			return err
		}
		if made, err = p.Write(ws); err != nil {
			return err
		}
		return c.carryOut(p)
	})
	if err != nil {
		return nil, err
	}
	return made, nil
}

func (c *conn) carryOut(p *sqlcore.Plan) error {
	for i := range p.Made {
		if err := c.exec(p.Versions.InsertVersion, p.Versions.VersionArgs(&p.Made[i])...); err != nil {
			return err
		}
	}
	for _, h := range p.Heads {
		sql, args := p.Versions.HeadWrite(h)
		if err := c.exec(sql, args...); err != nil {
			return err
		}
	}
	return nil
}

// keepsNothing refuses to take versioned tables away that hold rows, and
// components, and what is known of tables that were made through Varve: unlike
// all else of Varve's they cannot be made again.
func (s *Store) keepsNothing(c *conn) error {
	if some, err := c.holdsComponents(); err != nil {
		return err
	} else if some {
		return errs.New(errs.Conflict, "the database holds components, which would be lost; export them and remove them first")
	}
	if name, err := c.madeData(); err != nil {
		return err
	} else if name != "" {
		return errs.New(errs.Conflict, "the table %q was made through Varve; copy it to another database and drop it first", name)
	}
	found, err := s.catalogue(c, "")
	for _, d := range found {
		if last, err := c.number(d.versions.Last); err != nil {
			return err
		} else if last > 0 {
			return errs.New(errs.Conflict, "the table %q holds rows, which would be lost; copy them to another database and clear it first", d.versions.Table.Name)
		}
	}
	return err
}

// Clear implements state.Store.
func (r versions) Clear(ctx context.Context, tables []string) error {
	return r.write(ctx, "", func(c *conn) error {
		var all []*sqlcore.Plan
		for _, table := range tables {
			p, err := r.plan(c, sqlcore.TableName(table))
			if err != nil {
				return c.declaredOr(table, err)
			}
			all = append(all, p)
		}
		for i, p := range all {
			if slices.ContainsFunc(all[:i], func(o *sqlcore.Plan) bool { return o.Versions.Name == p.Versions.Name }) {
				continue
			}
			err := c.exec(`UPDATE varve_table SET generation=generation+1,horizon=?1+1,seq=?1,at=?2 WHERE name=?3`, p.Seq, p.At.UnixMicro(), p.Versions.Name)
			if err == nil {
				err = c.exec(p.Versions.ClearLog)
			}
			if err == nil {
				err = c.exec(p.Versions.ClearEntity)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// compacted is how many versions are looked at in one transaction: other
// writers wait that long.
const compacted = 2000

// Compact implements state.Store. The horizon is raised first, so that nobody
// is told half of a state; what a crash leaves undone the next one does.
func (r versions) Compact(ctx context.Context, t *state.Table, horizon, keep int64) (gone int64, err error) {
	name := sqlcore.TableName(t.Name)
	v := r.store.statements(t)
	err = r.write(ctx, name, func(c *conn) error {
		if _, err := r.plan(c, name); err != nil {
			return err
		}
		if keep > 0 {
			// No further than to where something goes.
			if horizon, err = c.number(v.CompactFrom, horizon, keep); err != nil {
				return err
			}
		}
		return c.exec(`UPDATE varve_table SET horizon=max(horizon,?) WHERE name=?`, horizon, name)
	})
	for from := int64(0); err == nil && from < horizon; {
		var to, n int64
		err = r.write(ctx, name, func(c *conn) (err error) {
			to, n, err = c.compact(v, from, horizon, keep)
			if err != nil || n == 0 {
				return err
			}
			return c.exec(`UPDATE varve_table SET edition=? WHERE name=?`, sqlcore.NewEdition(), name)
		})
		if err == nil {
			from, gone = to, gone+n
		}
	}
	return gone, err
}

// compact goes over the positions from one to another, which it returns.
func (c *conn) compact(v *sqlcore.Versions, from, horizon, keep int64) (to, gone int64, err error) {
	to, err = c.number(v.CompactBound, from, horizon, compacted)
	if err != nil || to == 0 {
		return horizon, 0, err
	}
	before := c.db.TotalChanges()
	err = c.exec(v.Compact, from, to, horizon, keep)
	return to, c.db.TotalChanges() - before, err
}
