package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/store/internal/sqlcore"
)

var _ store.Doctor = (*Store)(nil)

// remedy is a finding with the way to mend it.
type remedy struct {
	store.Finding
	apply func(ctx context.Context, s *Store) error
}

// key tells remedies apart: of two indexes of one column the same is said.
func (r remedy) key() string { return r.What + "\n" + strings.Join(r.SQL, "\n") }

// Examine implements store.Doctor.
func (s *Store) Examine(ctx context.Context) (store.Diagnosis, error) {
	l, err := s.introspect(ctx)
	if err != nil {
		return store.Diagnosis{}, err
	}
	d := store.Diagnosis{Schema: "chainlit", Findings: []store.Finding{}}
	switch {
	case l.origin == own || l.origin == nobody:
		d.Schema = "varve"
	case l.official:
		d.Schema = officialShape
	}
	if l.broken != nil {
		return d, l.broken
	}
	for _, r := range l.remedies() {
		d.Findings = append(d.Findings, r.Finding)
	}
	return d, nil
}

// Mend implements store.Doctor. It can be repeated: what was done is not done
// again, and what was broken off goes on. Locks that writers wait for are
// asked for patiently and held shortly; indexes are built beside the traffic.
// Several may mend at once.
func (s *Store) Mend(ctx context.Context) error {
	s.making.Lock()
	defer s.making.Unlock()
	if err := s.mendAll(ctx, (*layout).remedies); err != nil {
		return err
	}
	return s.again(ctx)
}

// mendAll mends what list finds, one after the other. Others may do the same at
// the same time, so that what is left is looked at before each.
func (s *Store) mendAll(ctx context.Context, list func(*layout) []remedy) error {
	done := map[string]bool{} // some cannot be mended, and are not tried again
	for {
		if more, err := s.mendOne(ctx, list, done); err != nil || !more {
			return err
		}
	}
}

// mendOne mends the first of what is left and not done, or waits a moment for
// whoever is at work. more: there was something.
func (s *Store) mendOne(ctx context.Context, list func(*layout) []remedy, done map[string]bool) (more bool, err error) {
	left, l, err := s.left(ctx, list, done)
	if err != nil || len(left) == 0 {
		return false, err
	}
	busy, err := s.altering(ctx, l)
	if err != nil {
		return false, err
	}
	if busy {
		return true, pause(ctx, time.Second/2)
	}
	first := left[0]
	s.log.Info("mends", "what", first.What)
	if err := first.apply(ctx, s); err != nil {
		// Another may have been faster, and taken the names.
		left, _, again := s.left(ctx, list, done)
		if again != nil || slices.ContainsFunc(left, func(r remedy) bool { return r.key() == first.key() }) {
			return true, err
		}
	}
	done[first.key()] = true
	return true, nil
}

// left looks at the database and lists what is to be mended.
func (s *Store) left(ctx context.Context, list func(*layout) []remedy, done map[string]bool) ([]remedy, *layout, error) {
	l, err := s.introspect(ctx)
	if err == nil {
		err = l.broken
	}
	if err != nil {
		return nil, nil, err
	}
	return slices.DeleteFunc(list(l), func(r remedy) bool { return done[r.key()] }), l, nil
}

// altering tells whether another session makes an index of a table.
func (s *Store) altering(ctx context.Context, l *layout) (busy bool, err error) {
	const sql = `SELECT 1 FROM pg_locks WHERE locktype='relation' AND mode='ShareUpdateExclusiveLock' AND pid<>pg_backend_pid()
AND database=(SELECT oid FROM pg_database WHERE datname=current_database()) AND relation IN (SELECT to_regclass(t) FROM unnest($1::text[]) t) LIMIT 1`
	var tables []string
	for _, name := range sqlcore.Tables() {
		tables = append(tables, l.target(name))
	}
	err = s.direct().write(ctx, sqlcore.Query{SQL: sql, Args: []any{tables}, Each: func(sqlcore.Row) error {
		busy = true
		return nil
	}})
	return busy, err
}

// again looks at the database anew after it was changed.
func (s *Store) again(ctx context.Context) error {
	l, err := s.introspect(ctx)
	if err != nil {
		return err
	}
	if l.broken != nil {
		return l.broken
	}
	if l.origin != nobody {
		s.use(ctx, l)
	}
	return nil
}

// remedies lists what is missing, in the order in which it is mended.
func (l *layout) remedies() []remedy {
	if l.origin == nobody {
		return nil // the first use makes everything
	}
	if l.origin == own {
		return l.unsettled()
	}
	var out []remedy
	out = append(out, l.foundation()...)
	out = append(out, l.missingColumns()...)
	out = append(out, l.refusals()...)
	out = append(out, l.backfill()...)
	out = append(out, l.missingIndexes()...)
	out = append(out, l.missingCatalogue()...)
	out = append(out, l.missingArtifacts()...)
	out = append(out, l.missingData()...)
	return append(out, l.missingSearch()...)
}

// relaxed is what varve_meta remembers of the one constraint that is dropped.
const relaxed = "steps.disableFeedback.notnull"

// refusals are columns that no version of Chainlit's fills any more but that
// refuse to stay empty.
func (l *layout) refusals() []remedy {
	c, ok := l.found.Steps.Column("disableFeedback")
	if !ok || !c.NotNull || c.Default {
		return nil
	}
	return []remedy{l.ddl("steps.disableFeedback refuses NULL",
		"every step that Chainlit's own layer writes is lost, since it does not know the column any more",
		fmt.Sprintf(`ALTER TABLE %s ALTER COLUMN "disableFeedback" DROP NOT NULL`, l.table("steps")), l.remember(relaxed))}
}

// foundation is Varve's own tables, columns and triggers, in one transaction:
// either all of it is there or none.
func (l *layout) foundation() []remedy {
	all := l.migrations()
	if l.has(triggersVersion) {
		return nil
	}
	var sql []string
	if !l.founded() {
		sql = append(journal(l), split(l.render(all[0].sql, true))...)
		sql = append(sql, record(l, foundation, all[0].name))
	}
	for _, c := range l.wanted() {
		if c.ours() && !l.lies(c.table).Has(c.name) {
			sql = append(sql, l.addColumn(c))
		}
	}
	sql = append(sql, split(l.render(all[triggersVersion-1].sql, true))...)
	sql = append(sql, record(l, triggersVersion, all[triggersVersion-1].name), mark(l, mended))
	return []remedy{l.ddl("Varve's tables, columns and triggers are missing",
		"a page of threads costs as much as all threads; deleted threads can come back after a restart; there is no change log; unknown keys of elements are left out", sql...)}
}

// Numbers of the migrations that a database of somebody else's gets in pieces.
const (
	triggersVersion = 3
	indexesVersion  = 4
)

// missingCatalogue is what versioned tables need.
func (l *layout) missingCatalogue() []remedy {
	if l.has(stateVersion) {
		return nil
	}
	m := l.migrations()[stateVersion-1]
	return []remedy{l.ddl("there is no catalogue of versioned tables", "versioned tables cannot be kept in this database",
		append(split(l.render(m.sql, true)), record(l, stateVersion, m.name))...)}
}

// backfill gives every thread its last activity. The triggers are there
// already, so that nothing that happens meanwhile is missed.
func (l *layout) backfill() []remedy {
	if l.has(indexesVersion) {
		return nil
	}
	sql := l.backfillSQL()
	return []remedy{{
		Finding: store.Finding{What: "threads do not carry their last activity", Cost: "a page of threads costs as much as all threads", SQL: []string{sql}},
		apply: func(ctx context.Context, s *Store) error {
			return patiently(ctx, func() error { return l.backfillAll(ctx, s, sql) })
		}}}
}

// backfillSQL does a batch: the threads after $1, at most $2. The answer is the
// last of them.
func (l *layout) backfillSQL() string {
	id, _ := l.found.Threads.Column("id")
	activity := fmt.Sprintf(`greatest(coalesce(%s,''),coalesce((SELECT max(%s) FROM %s s WHERE s."threadId"=p."id"),''))`,
		utcFast(`p."createdAt"`), utcFast(`s."createdAt"`), l.table("steps"))
	return fmt.Sprintf(`WITH part AS MATERIALIZED (SELECT p."id",%[4]s AS at FROM (SELECT t."id",t."createdAt" FROM %[5]s t WHERE $1::text='' OR t."id">nullif($1::text,'')::%[2]s ORDER BY t."id" LIMIT $2) p),
done AS (UPDATE %[1]s t SET %[3]s=part.at FROM part WHERE t."id"=part."id" AND t.%[3]s<part.at)
SELECT "id" FROM part ORDER BY "id" DESC LIMIT 1`, l.target("threads"), id.Type, sqlcore.ActivityColumn, activity, l.table("threads"))
}

func (l *layout) backfillAll(ctx context.Context, s *Store, sql string) error {
	for last := ""; ; {
		at := last
		last = ""
		err := s.direct().write(ctx, sqlcore.Query{SQL: sql, Args: []any{at, batch}, Each: func(r sqlcore.Row) error {
			last, _ = r.Text(0)
			return nil
		}})
		if err != nil {
			return err
		}
		if last == "" {
			return s.direct().write(ctx, sqlcore.Query{SQL: record(l, indexesVersion, migrations()[indexesVersion-1].name) + " ON CONFLICT DO NOTHING"})
		}
	}
}

// ddl is a remedy of statements that change tables, in one transaction.
func (l *layout) ddl(what, cost string, sql ...string) remedy {
	return remedy{
		Finding: store.Finding{What: what, Cost: cost, SQL: sql},
		apply:   func(ctx context.Context, s *Store) error { return s.alter(ctx, sql) },
	}
}

// alter runs statements that lock tables. Whoever waits for such a lock makes
// everybody behind it wait too, so it waits briefly and comes back: for less
// than deadlock_timeout, a second, after which a deadlock with a writer might
// end the writer.
func (s *Store) alter(ctx context.Context, sql []string) error {
	statements := []sqlcore.Query{{SQL: lock}, {SQL: `SET LOCAL lock_timeout='500ms'`}}
	for _, text := range sql {
		statements = append(statements, sqlcore.Query{SQL: text})
	}
	// In a transaction that is opened by name: SET LOCAL needs one.
	statements = append(append([]sqlcore.Query{{SQL: "BEGIN"}}, statements...), sqlcore.Query{SQL: "COMMIT"})
	return patiently(ctx, func() error { return s.direct().write(ctx, statements...) })
}

// lockTries is how often a lock is asked for before it is given up.
const lockTries = 8

// patiently does again, a little later each time, what did not get its locks or
// was ended so that another could have them.
func patiently(ctx context.Context, do func() error) error {
	for try := 1; ; try++ {
		err := do()
		if c := code(err); (c != "55P03" && c != "40P01") || try == lockTries {
			return err
		}
		if err := pause(ctx, time.Duration(try)*time.Second); err != nil {
			return err
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return givenUp(ctx)
	}
}
