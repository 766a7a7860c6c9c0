package postgres_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/page"
	"github.com/varvedb/varve/store/postgres"
)

// healed is what the doctor makes of a database of somebody else's.
func healed(anyID bool) chat.Features {
	f := full
	f.AnyID = anyID
	return f
}

func TestMended(t *testing.T) {
	for _, name := range []string{"documented", "oldest", "text"} {
		t.Run(name, func(t *testing.T) {
			url := fixture(t, name)
			db := open(t, url)
			if err := db.Mend(t.Context()); err != nil {
				t.Fatal(err)
			}
			d, err := db.Examine(t.Context())
			if err != nil || len(d.Findings) > 0 || d.Schema != "chainlit" {
				t.Fatalf("after mending: %+v, %v", d, err)
			}
			if err := db.Mend(t.Context()); err != nil {
				t.Fatalf("mending again: %v", err)
			}
			suites(t, healed(name == "text"), url)
		})
	}
}

func TestExamineChangesNothingAndNamesWhatIsMissing(t *testing.T) {
	url := fixture(t, "oldest")
	before := shape(t, url)
	d, err := open(t, url).Examine(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if after := shape(t, url); after != before {
		t.Errorf("the database changed from\n%s\nto\n%s", before, after)
	}
	var what []string
	for _, f := range d.Findings {
		what = append(what, f.What)
		if f.Cost == "" || len(f.SQL) == 0 {
			t.Errorf("%q has no cost or no SQL", f.What)
		}
	}
	for _, want := range []string{"column steps.autoCollapse is missing", "column elements.props is missing",
		"steps.disableFeedback refuses NULL", "index on steps (threadId) is missing", "search has no index"} {
		if !slices.Contains(what, want) {
			t.Errorf("%q is not among the findings %q", want, what)
		}
	}
}

func TestRemoveGoesBack(t *testing.T) {
	for _, name := range []string{"documented", "oldest"} {
		t.Run(name, func(t *testing.T) {
			url := fixture(t, name)
			before := shape(t, url)
			db := open(t, url)
			if err := db.Mend(t.Context()); err != nil {
				t.Fatal(err)
			}
			if shape(t, url) == before {
				t.Fatal("mending changed nothing")
			}
			if err := db.Remove(t.Context()); err != nil {
				t.Fatal(err)
			}
			if after := shape(t, url); after != before {
				t.Errorf("before\n%s\nafter\n%s", before, after)
			}
			w := chat.Write{Now: time.Now()}
			if err := db.Chat().ApplyThread(t.Context(), chat.ThreadPatch{ID: threadID}, w); err != nil {
				t.Errorf("the store does not work any more: %v", err)
			}
		})
	}
	db := open(t, pgNew(t))
	db.Chat().Features()
	if err := db.Remove(t.Context()); errs.KindOf(err) != errs.Unsupported {
		t.Errorf("removing Varve from its own database: %v", err)
	}
}

const threadID = "6b1c7f0a-8f5e-4d53-9d6d-0d2b7b8f7a01"

// shape describes all tables, columns, indexes, triggers and functions.
func shape(t *testing.T, url string) string {
	t.Helper()
	rows, err := connect(t, url).Query(context.Background(), `
	  SELECT 'column ' || table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable FROM information_schema.columns WHERE table_schema = 'public'
	  UNION ALL SELECT 'index ' || indexdef FROM pg_indexes WHERE schemaname = 'public'
	  UNION ALL SELECT 'constraint ' || conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace
	  UNION ALL SELECT 'trigger ' || tgname FROM pg_trigger WHERE NOT tgisinternal
	  UNION ALL SELECT 'function ' || proname FROM pg_proc p WHERE pronamespace = 'public'::regnamespace
	    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
	  ORDER BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			t.Fatal(err)
		}
		all = append(all, line)
	}
	if rows.Err() != nil {
		t.Fatal(rows.Err())
	}
	return strings.Join(all, "\n")
}

// What another writer does counts: its threads are listed by their latest step,
// its deletes leave tombstones, its outputs are found.
func TestOtherWritersCount(t *testing.T) {
	url := fixture(t, "documented", `
	  INSERT INTO users VALUES ('00000000-0000-0000-0000-000000000001', 'ada', '{}', '2026-01-01T00:00:00Z');
	  INSERT INTO threads (id, "createdAt", name, "userId", "userIdentifier", metadata) SELECT
	    ('00000000-0000-0000-0000-00000000010' || i)::uuid, '2026-01-01T00:00:00Z', 'thread ' || i, '00000000-0000-0000-0000-000000000001', 'ada', '{}' FROM generate_series(1, 3) i;
	  INSERT INTO steps (id, name, type, "threadId", streaming, output, "createdAt") VALUES
	    ('00000000-0000-0000-0000-000000001001', 'n', 'user_message', '00000000-0000-0000-0000-000000000101', false, 'Grüße', '2026-01-02T00:00:05Z'),
	    ('00000000-0000-0000-0000-000000001002', 'n', 'user_message', '00000000-0000-0000-0000-000000000102', false, 'hello', '2026-01-02T00:00:05.5Z'),
	    ('00000000-0000-0000-0000-000000001003', 'n', 'user_message', '00000000-0000-0000-0000-000000000103', false, 'hi', 'not a time')`)
	db := open(t, url)
	svc := chat.NewService(db.Chat(), chat.Options{})
	list := func(search string) string {
		t.Helper()
		p, err := svc.Threads(t.Context(), chat.ThreadFilter{Search: search}, page.Request{})
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, thread := range p.Data {
			names = append(names, thread.Name)
		}
		return strings.Join(names, ",")
	}
	expect := func(got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	const order = "thread 2,thread 1,thread 3"
	expect(list(""), order)
	expect(list("GRUSSE"), "thread 1")
	if err := db.Mend(t.Context()); err != nil {
		t.Fatal(err)
	}
	expect(list(""), order)
	expect(list("GRUSSE"), "thread 1")
	other := connect(t, url)
	exec := func(sql string) {
		t.Helper()
		if _, err := other.Exec(context.Background(), sql); err != nil {
			t.Fatal(err)
		}
	}
	exec(`INSERT INTO steps (id, name, type, "threadId", streaming, output, "createdAt") VALUES
	  ('00000000-0000-0000-0000-000000001004', 'n', 'user_message', '00000000-0000-0000-0000-000000000103', false, 'Ünique', '2026-01-03T02:00:00+01:00')`)
	expect(list(""), "thread 3,thread 2,thread 1")
	expect(list("unique"), "thread 3")
	exec(`UPDATE steps SET output = 'Ändert' WHERE id = '00000000-0000-0000-0000-000000001004'`)
	expect(list("unique"), "")
	expect(list("andert"), "thread 3")
	exec(`DELETE FROM threads WHERE id = '00000000-0000-0000-0000-000000000103'`)
	_, err := svc.UpdateThread(t.Context(), chat.ThreadPatch{ID: "00000000-0000-0000-0000-000000000103"})
	if errs.KindOf(err) != errs.Gone {
		t.Errorf("a late write to a thread that another writer deleted: %v", err)
	}
}

// Doctors who work at the same time on one database do each other's work, and
// none of them fails over it.
func TestDoctorsAtTheSameTime(t *testing.T) {
	url := fixture(t, "oldest", `INSERT INTO threads (id, "createdAt") SELECT gen_random_uuid(), '2026-01-01T00:00:00Z' FROM generate_series(1, 500)`)
	doctors := []*postgres.Store{open(t, url), open(t, url), open(t, url)}
	ended := make(chan error, len(doctors))
	for _, d := range doctors {
		go func() { ended <- d.Mend(t.Context()) }()
	}
	for range doctors {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	for i, d := range doctors {
		if found, err := d.Examine(t.Context()); err != nil || len(found.Findings) > 0 {
			t.Errorf("doctor %d finds %+v, %v", i, found.Findings, err)
		}
		if f := d.Chat().Features(); !f.FastList {
			t.Errorf("doctor %d does not use what it made", i)
		}
	}
}

// An index that a doctor who was killed left half made is made again; one that
// is whole stays.
func TestAnIndexThatWasNotBuiltToItsEndIsBuiltAgain(t *testing.T) {
	url := fixture(t, "documented")
	db, c := open(t, url), connect(t, url)
	if err := db.Mend(t.Context()); err != nil {
		t.Fatal(err)
	}
	numbers := func() map[string]uint32 {
		t.Helper()
		rows, err := c.Query(t.Context(), `SELECT indexrelid::regclass::text, indexrelid::bigint FROM pg_index WHERE indexrelid::regclass::text LIKE 'varve\_%' AND indisvalid`)
		if err != nil {
			t.Fatal(err)
		}
		all := map[string]uint32{}
		for rows.Next() {
			var name string
			var id int64
			if err := rows.Scan(&name, &id); err != nil {
				t.Fatal(err)
			}
			all[name] = uint32(id)
		}
		if rows.Err() != nil {
			t.Fatal(rows.Err())
		}
		return all
	}
	before := numbers()
	const wreck = "varve_steps_parent"
	if before[wreck] == 0 {
		t.Fatalf("there is no index %s among %v", wreck, before)
	}
	if _, err := c.Exec(t.Context(), `UPDATE pg_index SET indisvalid=false WHERE indexrelid='`+wreck+`'::regclass`); err != nil {
		t.Fatal(err)
	}
	if err := db.Mend(t.Context()); err != nil {
		t.Fatal(err)
	}
	after := numbers()
	if after[wreck] == 0 || after[wreck] == before[wreck] {
		t.Errorf("the index was %d and is %d", before[wreck], after[wreck])
	}
	delete(before, wreck)
	for name, id := range before {
		if after[name] != id {
			t.Errorf("%s was %d and is %d", name, id, after[name])
		}
	}
}

// The doctor locks tables that others write, in another order than they do. It
// gives way, since a deadlock may cost the host its statement, and comes back.
func TestTheDoctorGivesWayToTheHost(t *testing.T) {
	url := fixture(t, "documented")
	db, ctx := open(t, url), t.Context()
	host, err := connect(t, url).Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer host.Rollback(ctx)
	exec := func(sql string) {
		t.Helper()
		if _, err := host.Exec(ctx, sql); err != nil {
			t.Fatal(err)
		}
	}
	exec(`LOCK TABLE feedbacks IN ROW EXCLUSIVE MODE`) // as a write does
	mended := make(chan error, 1)
	go func() { mended <- db.Mend(ctx) }()
	// It has locked threads when it waits for feedbacks.
	waiting := `SELECT count(*) FROM pg_locks w JOIN pg_locks h ON h.pid=w.pid AND h.granted AND h.relation='threads'::regclass
		AND h.mode='AccessExclusiveLock' WHERE NOT w.granted AND w.relation='feedbacks'::regclass`
	for n := 0; n == 0; {
		select {
		case err := <-mended:
			t.Fatalf("it did not wait: %v", err)
		default:
		}
		if err := host.QueryRow(ctx, waiting).Scan(&n); err != nil {
			t.Fatal(err)
		}
	}
	exec(`LOCK TABLE threads IN ROW EXCLUSIVE MODE`)
	if err := host.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	if err := <-mended; err != nil {
		t.Fatal(err)
	}
	if d, err := db.Examine(ctx); err != nil || len(d.Findings) > 0 {
		t.Errorf("after mending: %+v, %v", d, err)
	}
}

// A trigger that fails must not fail the host.
func TestTriggersCannotFailTheHost(t *testing.T) {
	url := fixture(t, "documented")
	if err := open(t, url).Mend(t.Context()); err != nil {
		t.Fatal(err)
	}
	other := connect(t, url)
	for _, sql := range []string{
		`DROP TABLE varve_change, varve_tombstone CASCADE`,
		`INSERT INTO users VALUES ('00000000-0000-0000-0000-000000000001', 'ada', '{}', '2026-01-01T00:00:00Z')`,
		`INSERT INTO threads (id, "createdAt") VALUES ('00000000-0000-0000-0000-000000000101', '2026')`,
		`INSERT INTO steps (id, name, type, "threadId", streaming, "createdAt") VALUES ('00000000-0000-0000-0000-000000001001', 'n', 'run', '00000000-0000-0000-0000-000000000101', false, '2026-01-02T00:00:05Z')`,
		`UPDATE steps SET output = 'x'`,
		`DELETE FROM threads`,
	} {
		if _, err := other.Exec(context.Background(), sql); err != nil {
			t.Errorf("%s: %v", sql, err)
		}
	}
}

// The role of a Chainlit application need not know of Varve's tables.
func TestTriggersWorkForARoleWithoutRights(t *testing.T) {
	url := fixture(t, "documented")
	db := open(t, url)
	if err := db.Mend(t.Context()); err != nil {
		t.Fatal(err)
	}
	head, err := db.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	other := connect(t, url)
	if _, err := other.Exec(context.Background(), `CREATE ROLE app_`+roleSuffix(url)+`; GRANT ALL ON users, threads, steps TO app_`+roleSuffix(url)+`; SET ROLE app_`+roleSuffix(url)+`;
	  INSERT INTO threads (id, "createdAt") VALUES ('00000000-0000-0000-0000-000000000101', '2026-01-01T00:00:00Z')`); err != nil {
		t.Fatal(err)
	}
	events, err := db.Changes(t.Context(), head, 10)
	if err != nil || len(events) != 1 || events[0].Table != "threads" {
		t.Errorf("noted %+v, %v", events, err)
	}
}
