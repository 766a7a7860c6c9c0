package sqlite

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/store/internal/sqlcore"
)

// Examine implements store.Doctor. Where there are no tables yet, nothing is
// missing: Varve will make them as it needs them.
func (s *Store) Examine(ctx context.Context) (d store.Diagnosis, err error) {
	if s.chat.Load() == nil {
		var found []string
		err := s.read(ctx, func(c *conn) error {
			found, err = c.chainlit()
			return err
		})
		if err != nil || len(found) == 0 {
			return store.Diagnosis{Schema: "varve"}, err
		}
	}
	p, err := s.schema(ctx)
	if err != nil {
		return d, err
	}
	d.Schema = "chainlit"
	if p.own {
		d.Schema = "varve"
	}
	err = s.read(ctx, func(c *conn) error {
		d.Findings, err = c.findings(p)
		d.Notes = refusals(p)
		return err
	})
	return d, err
}

// refusals are columns that no version of Chainlit's fills any more but that
// refuse to stay empty. SQLite cannot take the refusal from a column; what is
// left is to take the column away, and that is not Varve's to do.
func refusals(p *schema) []store.Finding {
	c, ok := p.core.Schema.Steps.Column("disableFeedback")
	if !ok || !c.NotNull || c.Default {
		return nil
	}
	return []store.Finding{{What: `steps."disableFeedback" refuses NULL`,
		Cost: "every step that Chainlit's own layer writes is lost, since it does not know the column any more; Varve writes false into it. " +
			"Nothing reads the column but Chainlit before 2.0: where none of those writes here, take it away, in sqlite3 3.35 or newer and while nothing else has the file",
		SQL: []string{`ALTER TABLE steps DROP COLUMN "disableFeedback"`}}}
}

// findings are in the order in which they are mended: columns before what
// names them, the back-fill before the triggers that keep it.
func (c *conn) findings(p *schema) (found []store.Finding, err error) {
	add := func(what, cost string, sql ...string) {
		if len(sql) > 0 {
			found = append(found, store.Finding{What: what, Cost: cost, SQL: sql})
		}
	}
	add("columns for what current versions of Chainlit write",
		"Chainlit's own layer loses every step and element that has one of them; Varve keeps those of steps in the metadata",
		append(addColumns("steps", p.core.StepMap.Homeless), addColumns("elements", p.core.ElementMap.Homeless)...)...)
	var extra []string
	for _, t := range []string{"steps", "elements"} {
		if !p.core.Schema.Table(t).Has(sqlcore.ExtraColumn) {
			extra = append(extra, addColumn(t, sqlcore.ExtraColumn, "TEXT"))
		}
	}
	add("columns for keys of later versions", "unknown keys of elements are left out", extra...)

	indexes, err := c.absent("INDEX")
	if err != nil {
		return nil, err
	}
	raw, err := c.table("threads")
	if err != nil {
		return nil, err
	}
	tracking, err := c.untracked()
	if err != nil {
		return nil, err
	}
	activity := !raw.Has(sqlcore.ActivityColumn)
	var fill []string
	if activity {
		fill = append(fill, addColumn("threads", sqlcore.ActivityColumn, "TEXT NOT NULL DEFAULT ''"))
	}
	add("indexes", "opening and listing threads reads whole tables", append(fill, indexes...)...)
	if activity || len(tracking) > 0 {
		tracking = append([]string{backfillSQL()}, tracking...)
	}
	add("the last activity of threads, kept by triggers, and a log of changes",
		"a page of threads costs as much as all threads; search has no index; deleted threads are forgotten at a restart; nothing follows changes",
		tracking...)
	return found, nil
}

// absent are the statements of tracking.sql that make something of a kind that
// is not there.
func (c *conn) absent(kind string) (missing []string, err error) {
	for _, statement := range script(trackingSQL) {
		k, name := created(statement)
		if k != kind {
			continue
		}
		ok, err := c.has(strings.ToLower(kind), name)
		if err != nil {
			return nil, err
		}
		if !ok {
			missing = append(missing, statement)
		}
	}
	return missing, nil
}

// backfillSQL brings every thread's last activity to what the triggers would
// have made of it.
func backfillSQL() string {
	return script(`UPDATE threads SET varve_last_activity = max(coalesce({{time threads."createdAt"}}, ''),
  coalesce((SELECT max({{time s."createdAt"}}) FROM steps s WHERE s."threadId" = threads."id"), ''));`)[0]
}

func addColumns[T any](table string, fields []chat.Field[T]) (sql []string) {
	var v T
	for _, f := range fields {
		kind := "TEXT"
		switch f.At(&v).(type) {
		case **bool:
			kind = "BOOLEAN"
		case **int64:
			kind = "INT"
		}
		sql = append(sql, addColumn(table, f.Key, kind))
	}
	return sql
}

func addColumn(table, column, kind string) string {
	return fmt.Sprintf(`ALTER TABLE %s ADD COLUMN %s %s`, table, sqlcore.Quote(column), kind)
}

// Mend implements store.Doctor. It is one transaction.
func (s *Store) Mend(ctx context.Context) error {
	if _, err := s.schema(ctx); err != nil {
		return err
	}
	return s.write(ctx, func(c *conn) error {
		if err := c.clash(); err != nil {
			return err
		}
		before := s.chat.Load()
		findings, err := c.findings(before)
		if err != nil || len(findings) == 0 {
			return err
		}
		for _, f := range findings {
			for _, sql := range f.SQL {
				if err := c.db.Exec(sql); err != nil {
					return classify(err)
				}
			}
			if err := c.unstow(before, f); err != nil {
				return err
			}
		}
		if !before.own {
			if err := c.noteAdded(findings); err != nil {
				return err
			}
		}
		now, err := c.look(before.own)
		if err != nil {
			return err
		}
		if err := s.remember(c, now); err != nil {
			return err
		}
		c.after = append(c.after, func() { s.settle(now) })
		return nil
	})
}

// unstow moves what steps had to keep in their metadata into columns that were
// just added, before triggers would note it as changes.
func (c *conn) unstow(before *schema, f store.Finding) error {
	added := slices.ContainsFunc(f.SQL, func(sql string) bool { return strings.HasPrefix(sql, "ALTER TABLE steps") })
	if !added || !before.core.Stows() {
		return nil
	}
	now, err := c.look(false)
	if err != nil {
		return err
	}
	ids, err := c.column(`SELECT "id" FROM steps WHERE instr("metadata",?)>0`, sqlcore.PrivateKey)
	if err != nil {
		return err
	}
	for _, id := range ids {
		step, err := now.core.Step(context.Background(), c, chat.Ref{ID: id})
		if err != nil {
			return err
		}
		if err := c.exec(now.sql.updateStep, append(now.core.StepRow(&step), id)...); err != nil {
			return err
		}
	}
	return nil
}

// noteAdded remembers which columns are Varve's, for Remove.
func (c *conn) noteAdded(findings []store.Finding) error {
	added, err := c.added()
	if err != nil {
		return err
	}
	for _, f := range findings {
		for _, sql := range f.SQL {
			var table, column string
			if n, _ := fmt.Sscanf(sql, "ALTER TABLE %s ADD COLUMN %s", &table, &column); n == 2 {
				added = append(added, table+"."+strings.Trim(column, `"`))
			}
		}
	}
	raw, err := json.Marshal(added)
	if err != nil {
		return err
	}
	if err := c.setMeta("chat", "chainlit"); err != nil {
		return err
	}
	return c.setMeta("added", string(raw))
}

func (c *conn) added() (added []string, err error) {
	text, err := c.meta("added")
	if err != nil || text == "" {
		return nil, err
	}
	return added, json.Unmarshal([]byte(text), &added)
}

// remember gives what was kept in memory its place in the file.
func (s *Store) remember(c *conn, p *schema) error {
	s.memory.mu.Lock()
	defer s.memory.mu.Unlock()
	r := rooms{store: s, at: s}
	if err := r.orphan(c, p, s.memory.orphans...); err != nil {
		return err
	}
	for _, t := range s.memory.tombstones {
		if err := r.bury(c, p, t.head, chat.Write{Now: t.at}); err != nil {
			return err
		}
	}
	return nil
}

// Remove implements store.Doctor. What columns of Varve's hold of steps goes
// back into their metadata, so that a later Mend finds it again. It is one
// transaction.
func (s *Store) Remove(ctx context.Context) error {
	if _, err := s.schema(ctx); err != nil {
		return err
	}
	if err := s.write(ctx, s.remove); err != nil {
		return err
	}
	return s.DropSearchIndex(ctx)
}

func (s *Store) remove(c *conn) error {
	p := s.chat.Load()
	if p.own {
		return errs.New(errs.Invalid, "Varve made this database; there is nothing to go back to")
	}
	if err := s.keepsNothing(c); err != nil {
		return err
	}
	added, err := c.added()
	if err != nil {
		return err
	}
	for _, kind := range []string{"trigger", "index"} {
		if err := c.drop(kind); err != nil {
			return err
		}
	}
	if err := c.stowAdded(p, added); err != nil {
		return err
	}
	for _, name := range added {
		table, column, _ := strings.Cut(name, ".")
		if err := c.db.Exec(fmt.Sprintf(`ALTER TABLE %s DROP COLUMN %s`, table, sqlcore.Quote(column))); err != nil {
			return classify(err)
		}
	}
	if err := c.drop("table"); err != nil {
		return err
	}
	now, err := c.look(false)
	if err != nil {
		return err
	}
	c.after = append(c.after, func() {
		s.known.Store(false)
		s.settle(now)
	})
	return nil
}

// drop takes away everything of a kind that is Varve's by its name.
func (c *conn) drop(kind string) error {
	names, err := c.column(`SELECT name FROM sqlite_master WHERE type=? AND name GLOB 'varve_*'`, kind)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := c.db.Exec("DROP " + strings.ToUpper(kind) + " " + sqlcore.Quote(name)); err != nil {
			return classify(err)
		}
	}
	return nil
}

// stowAdded moves what columns that will go hold into the metadata.
func (c *conn) stowAdded(p *schema, added []string) error {
	left := p.core.Schema
	var some []string
	for _, name := range added {
		table, column, _ := strings.Cut(name, ".")
		if table == "steps" {
			left.Steps.Columns = without(left.Steps.Columns, column)
			some = append(some, sqlcore.Quote(column)+" IS NOT NULL")
		}
	}
	if len(some) == 0 {
		return nil
	}
	core, err := sqlcore.New(left, dialect)
	if err != nil {
		return err
	}
	after := &schema{core: core}
	after.sql = newWriteSQL(after)
	ids, err := c.column(`SELECT "id" FROM steps WHERE ` + strings.Join(some, " OR "))
	if err != nil {
		return err
	}
	for _, id := range ids {
		step, err := p.core.Step(context.Background(), c, chat.Ref{ID: id})
		if err != nil {
			return err
		}
		if err := c.exec(after.sql.updateStep, append(after.core.StepRow(&step), id)...); err != nil {
			return err
		}
	}
	return nil
}
