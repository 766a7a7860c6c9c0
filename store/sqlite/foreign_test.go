package sqlite_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ncruces/go-sqlite3"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/chat/chattest"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/store/memory"
	"github.com/varvedb/varve/store/sqlite"
)

var schemas = []string{"oldest", "documented", "before_2_1", "before_2_3", "before_2_9_4", "text"}

// raw is another program's connection to the file.
type raw struct {
	testing.TB
	*sqlite3.Conn
}

func another(t testing.TB, path string) raw {
	t.Helper()
	c, err := sqlite3.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	must(t, c.Exec(`PRAGMA foreign_keys=OFF`)) // as SQLAlchemy and Python leave it
	return raw{t, c}
}

func (r raw) run(sql string) {
	r.Helper()
	if err := r.Exec(sql); err != nil {
		r.Fatal(err)
	}
}

// rows answers a query as lines of fields with "|" between; NULL is "∅".
func (r raw) rows(sql string) (lines []string) {
	r.Helper()
	s, _, err := r.Prepare(sql)
	if err != nil {
		r.Fatal(err)
	}
	defer s.Close()
	for s.Step() {
		var fields []string
		for i := range s.ColumnCount() {
			if s.ColumnType(i) == sqlite3.NULL {
				fields = append(fields, "∅")
			} else {
				fields = append(fields, s.ColumnText(i))
			}
		}
		lines = append(lines, strings.Join(fields, "|"))
	}
	if err := s.Err(); err != nil {
		r.Fatal(err)
	}
	return lines
}

// foreignFile makes a file as another program does.
func foreignFile(t testing.TB, schema string) string {
	t.Helper()
	sql, err := os.ReadFile("testdata/schemas/" + schema + ".sql")
	must(t, err)
	path := filepath.Join(scratch(t), "chainlit.db")
	c := another(t, path)
	c.run(string(sql))
	must(t, c.Close())
	return path
}

// copies gives a function that opens a new copy of a closed file each time.
func copies(t testing.TB, path string) func(testing.TB) *sqlite.Store {
	t.Helper()
	content, err := os.ReadFile(path)
	must(t, err)
	return func(t testing.TB) *sqlite.Store {
		t.Helper()
		path := filepath.Join(scratch(t), "copy.db")
		must(t, os.WriteFile(path, content, 0o600))
		return open(t, path)
	}
}

// mended gives a function that opens a new file of a schema, after it was
// mended, each time.
func mended(t testing.TB, schema string) func(testing.TB) *sqlite.Store {
	t.Helper()
	path := foreignFile(t, schema)
	s := open(t, path)
	must(t, s.Mend(t.Context()))
	must(t, s.Close())
	return copies(t, path)
}

func TestForeignFiles(t *testing.T) {
	for _, schema := range schemas {
		t.Run(schema, func(t *testing.T) {
			t.Parallel()
			open := copies(t, foreignFile(t, schema))
			features := open(t).Chat().Features()
			if features.FastList || features.ChangeLog || features.UnknownKeys || features.AnyID == (schema != "text") {
				t.Errorf("features are %+v", features)
			}
			chattest.Run(t, features, func(t *testing.T) chat.API {
				return chattest.Service(t, open(t).Chat())
			})
			chattest.RunStore(t, func(t *testing.T) store.Store { return open(t) })
		})
	}
}

func TestMendedFiles(t *testing.T) {
	for _, schema := range schemas {
		t.Run(schema, func(t *testing.T) {
			t.Parallel()
			open := mended(t, schema)
			features := open(t).Chat().Features()
			want := fresh(t).Chat().Features()
			want.AnyID = schema == "text"
			if features != want {
				t.Errorf("features are %+v, those of an own file %+v", features, want)
			}
			chattest.Run(t, features, func(t *testing.T) chat.API {
				return chattest.Service(t, open(t).Chat())
			})
			chattest.RunStore(t, func(t *testing.T) store.Store { return open(t) })
		})
	}
}

// Histories are played on a mended file of the hardest schema, as they are on
// the store in memory. A file as it was found does not take part: it has no
// place for a last activity, which is computed from the steps that are there
// and falls when the latest is deleted.
func TestHistoriesOnAMendedFile(t *testing.T) {
	t.Parallel()
	open := mended(t, "oldest")
	chattest.Histories(t, 5, 60, func(*testing.T) store.Store { return memory.Open() }, func(t *testing.T) store.Store { return open(t) })
}

// dump is everything in a file: its schema and all its rows.
func dump(t testing.TB, path string) string {
	t.Helper()
	c := another(t, path)
	lines := c.rows(`SELECT type,name,tbl_name,sql FROM sqlite_master ORDER BY type,name`)
	for _, table := range c.rows(`SELECT name FROM sqlite_master WHERE type='table' ORDER BY name`) {
		lines = append(lines, "--- "+table)
		lines = append(lines, c.rows(`SELECT * FROM "`+table+`" ORDER BY 1`)...)
	}
	lines = append(lines, c.rows(`PRAGMA journal_mode`)...)
	c.Close()
	return strings.Join(lines, "\n")
}

func TestForeignFileIsNotAltered(t *testing.T) {
	path := foreignFile(t, "oldest")
	before := dump(t, path)
	s := open(t, path)
	s.Chat().Features()
	if _, err := s.Examine(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Chat().Threads(t.Context(), chat.ThreadQuery{ThreadFilter: chat.ThreadFilter{Search: "anything"}, Limit: 1}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if after := dump(t, path); after != before {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
	if _, err := os.Stat(path + "-search"); err == nil {
		t.Error("an index was made beside a file that was not mended")
	}
}

func TestMendAndRemove(t *testing.T) {
	for _, schema := range schemas {
		t.Run(schema, func(t *testing.T) {
			t.Parallel()
			path := foreignFile(t, schema)
			s := open(t, path)
			step := chat.Step{ID: "8f14e45f-0000-4000-8000-000000000001", ThreadID: "8f14e45f-0000-4000-8000-000000000002", Type: "tool",
				Output: "x", AutoCollapse: chat.Ptr(true), Icon: "globe", Metadata: chat.Object{"mine": true}, CreatedAt: "2026-05-05T05:05:05.000000Z"}
			must(t, s.Chat().ApplyStep(t.Context(), step, write))
			same := func() {
				t.Helper()
				got, err := s.Chat().Step(t.Context(), chat.Ref{ID: step.ID})
				must(t, err)
				if got.Icon != "globe" || got.AutoCollapse == nil || !*got.AutoCollapse || len(got.Metadata) != 1 {
					t.Errorf("the step became %+v", got)
				}
				h, err := s.Chat().Head(t.Context(), step.ThreadID)
				must(t, err)
				if h.LastActivity != step.CreatedAt {
					t.Errorf("last activity is %q", h.LastActivity)
				}
			}
			same()
			before := dump(t, path)

			sick, err := s.Examine(t.Context())
			must(t, err)
			if sick.Schema != "chainlit" || len(sick.Findings) < 3 {
				t.Errorf("diagnosis is %+v", sick)
			}
			if refuses := schema == "oldest"; refuses != (len(sick.Notes) == 1) {
				t.Errorf("notes are %+v", sick.Notes)
			}
			if got := dump(t, path); got != before {
				t.Error("Examine changed the file")
			}
			must(t, s.Mend(t.Context()))
			same()
			well, err := s.Examine(t.Context())
			must(t, err)
			if len(well.Findings) > 0 {
				t.Errorf("left after Mend: %+v", well.Findings)
			}
			must(t, s.Mend(t.Context())) // again does nothing
			if stored := another(t, path).rows(`SELECT icon,metadata FROM steps`); !slices.Equal(stored, []string{`globe|{"mine": true}`}) {
				t.Errorf("the step is stored as %q", stored)
			}

			must(t, s.Remove(t.Context()))
			same()
			if after := dump(t, path); after != before {
				t.Errorf("before:\n%s\nafter:\n%s", before, after)
			}
			must(t, s.Mend(t.Context()))
			same()
		})
	}
}

func TestOwnFileHasNothingToMend(t *testing.T) {
	s := fresh(t)
	s.Chat().Features()
	d, err := s.Examine(t.Context())
	must(t, err)
	if d.Schema != "varve" || len(d.Findings) > 0 {
		t.Errorf("diagnosis is %+v", d)
	}
	if err := s.Remove(t.Context()); errs.KindOf(err) != errs.Invalid {
		t.Errorf("Remove of an own file: %v", err)
	}
}

func TestAnIDThatBecomesANumberIsRefused(t *testing.T) {
	s := open(t, foreignFile(t, "documented"))
	for _, id := range []string{"12", "1e5", "-3.50", " 7 ", "+1", ".5", "007", "9e999"} {
		err := s.Chat().ApplyStep(t.Context(), chat.Step{ID: id, ThreadID: "t"}, write)
		if errs.KindOf(err) != errs.Invalid {
			t.Errorf("step %q: %v", id, err)
		}
		if _, err := s.Chat().Thread(t.Context(), id); errs.KindOf(err) != errs.NotFound {
			t.Errorf("thread %q: %v", id, err)
		}
	}
	for _, id := range []string{"a", "1a", "0x10", "1-2", "e5", "1e", ".", "inf", "nan", "1_000", "12e45678-0000-4000-8000-000000000000"} {
		must(t, s.Chat().ApplyStep(t.Context(), chat.Step{ID: id, ThreadID: "t-" + id}, write))
		if got, err := s.Chat().Step(t.Context(), chat.Ref{ID: id}); err != nil || got.ID != id {
			t.Errorf("step %q came back as %q, %v", id, got.ID, err)
		}
	}
}

func TestTablesThatAreNotChainlits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "shop.db")
	another(t, path).run(`CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT)`)
	s := open(t, path)
	if err := s.Chat().ApplyThread(t.Context(), chat.ThreadPatch{ID: "t"}, write); errs.KindOf(err) != errs.Invalid {
		t.Errorf("got %v", err)
	}
	if f := s.Chat().Features(); f != (chat.Features{}) {
		t.Errorf("features are %+v", f)
	}
}

func TestATableWithOurNameIsRefused(t *testing.T) {
	const theirs = `CREATE TABLE varve_change (colour TEXT)`
	empty := filepath.Join(scratch(t), "shop.db")
	another(t, empty).run(theirs)
	s := open(t, empty)
	if err := s.Chat().ApplyThread(t.Context(), chat.ThreadPatch{ID: "t"}, write); errs.KindOf(err) != errs.Invalid {
		t.Errorf("making tables: %v", err)
	}
	if got := another(t, empty).rows(`SELECT name FROM sqlite_master`); len(got) != 1 {
		t.Errorf("tables are %q", got)
	}
	chainlit := foreignFile(t, "documented")
	another(t, chainlit).run(theirs)
	s = open(t, chainlit)
	must(t, s.Chat().ApplyThread(t.Context(), chat.ThreadPatch{ID: "t"}, write))
	if err := s.Mend(t.Context()); errs.KindOf(err) != errs.Invalid {
		t.Errorf("Mend: %v", err)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
