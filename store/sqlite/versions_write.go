package sqlite

import (
	"context"
	"crypto/rand"
	_ "embed"
	"encoding/binary"
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

// entry is a row of the catalogue.
type entry struct {
	table   state.Table
	edition int64
}

const catalogueSQL = `SELECT name,declaration,edition,generation,horizon FROM varve_table`

// catalogue reads the tables that a condition names. Before the first Declare
// there is none to read.
func (c *conn) catalogue(where string, args ...any) (found []entry, err error) {
	if ok, err := c.has("table", "varve_table"); err != nil || !ok {
		return nil, err
	}
	err = c.query(catalogueSQL+where, func(got sqlcore.Row) error {
		name, _ := got.Text(0)
		declaration, _ := got.Text(1)
		n := got.(row)
		t, err := sqlcore.DecodeTable(name, declaration, n.ColumnInt64(3), n.ColumnInt64(4))
		found = append(found, entry{t, n.ColumnInt64(2)})
		return err
	}, args...)
	return found, err
}

func (c *conn) entry(name string) (*entry, error) {
	found, err := c.catalogue(` WHERE name=?`, name)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return &found[0], nil
}

// Tables implements state.Store.
func (r versions) Tables(ctx context.Context) (tables []state.Table, err error) {
	err = r.read(ctx, "", func(c *conn) error {
		found, err := c.catalogue(` ORDER BY name`)
		for _, e := range found {
			tables = append(tables, e.table)
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
		old, err := c.entry(name)
		if err != nil || old == nil {
			return err
		}
		var added []state.Place
		if t, added, err = state.Evolve(&old.table, want); err != nil {
			return err
		}
		done = len(added) == 0 && sqlcore.SameTable(&old.table, &t)
		return nil
	})
	if err != nil || done {
		return t, err
	}
	err = r.write(ctx, name, func(c *conn) error {
		t, err = c.declare(name, want)
		return err
	})
	return t, err
}

func (c *conn) declare(name string, want state.Schema) (state.Table, error) {
	var before *state.Table
	old, err := c.entry(name)
	if err != nil {
		return state.Table{}, err
	}
	if old != nil {
		before = &old.table
	}
	t, added, err := state.Evolve(before, want)
	if err != nil || before != nil && len(added) == 0 && sqlcore.SameTable(before, &t) {
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
	return t, c.catalogued(name, &t)
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
func (c *conn) catalogued(name string, t *state.Table) error {
	declaration, err := sqlcore.EncodeTable(t)
	if err != nil {
		return err
	}
	var edition [8]byte
	rand.Read(edition[:])
	return c.exec(`INSERT INTO varve_table (name,declaration,edition,generation,horizon,seq,at) VALUES (?,?,?,?,?,0,0)`+
		` ON CONFLICT (name) DO UPDATE SET declaration=excluded.declaration,edition=excluded.edition`,
		name, declaration, int64(binary.LittleEndian.Uint64(edition[:])), t.Generation, t.Horizon)
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
	if err == nil && !found {
		err = sqlcore.ErrNotDeclared(name)
	}
	if err != nil {
		return nil, err
	}
	if p.Versions, err = r.declared(c, name, edition); err != nil {
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

// declared is a table under an edition. It is looked up in the file when it is
// another than the last one.
func (r versions) declared(c *conn, name string, edition int64) (*sqlcore.Versions, error) {
	if d, ok := r.store.declaredAs.Load(name); ok && d.(*declared).edition == edition {
		return d.(*declared).versions, nil
	}
	e, err := c.entry(name)
	if err != nil {
		return nil, err
	}
	d := &declared{edition, sqlcore.NewVersions(&e.table, &versionDialect)}
	r.store.declaredAs.Store(name, d)
	return d.versions, nil
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

// keepsNothing refuses to take versioned tables away that hold rows: unlike all
// else of Varve's they cannot be made again.
func (c *conn) keepsNothing() error {
	found, err := c.catalogue("")
	for _, e := range found {
		v := sqlcore.NewVersions(&e.table, &versionDialect)
		if last, err := c.number(v.Last); err != nil {
			return err
		} else if last > 0 {
			return errs.New(errs.Conflict, "the table %q holds rows, which would be lost; copy them to another database and clear it first", e.table.Name)
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
			err := c.exec(`UPDATE varve_table SET generation=generation+1,horizon=?,seq=?1,at=? WHERE name=?`, p.Seq, p.At.UnixMicro(), p.Versions.Name)
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
func (r versions) Compact(ctx context.Context, t *state.Table, horizon int64) (gone int64, err error) {
	name := sqlcore.TableName(t.Name)
	v := r.store.statements(t)
	err = r.write(ctx, name, func(c *conn) error {
		p, err := r.plan(c, name)
		if err != nil {
			return err
		}
		horizon = min(horizon, p.Seq)
		return c.exec(`UPDATE varve_table SET horizon=max(horizon,?) WHERE name=?`, horizon, name)
	})
	for from := int64(0); err == nil && from < horizon; {
		var to, n int64
		err = r.write(ctx, name, func(c *conn) (err error) {
			to, n, err = c.compact(v, from, horizon)
			return err
		})
		if err == nil {
			from, gone = to, gone+n
		}
	}
	return gone, err
}

// compact goes over the positions from one to another, which it returns.
func (c *conn) compact(v *sqlcore.Versions, from, horizon int64) (to, gone int64, err error) {
	to, err = c.number(v.CompactBound, from, horizon, compacted)
	if err != nil || to == 0 {
		return horizon, 0, err
	}
	before := c.db.TotalChanges()
	err = c.exec(v.Compact, from, to, horizon)
	return to, c.db.TotalChanges() - before, err
}
