package reference

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/ncruces/go-sqlite3"

	"github.com/varvedb/varve/artifact"
	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/component"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/internal/mytest"
	"github.com/varvedb/varve/internal/pgtest"
	"github.com/varvedb/varve/query"
	"github.com/varvedb/varve/state"
	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/store/duckdb"
)

// meanings of what holds data. A new one must be explained here.
var meanings = map[string]string{
	"varve_meta":                  "facts about the database: who made it, the secrets that sign cursors and URLs",
	"varve_migration":             "which migrations have run",
	"varve_change":                "the change log: what was written where",
	"varve_tombstone":             "threads deleted in the last 24 hours",
	"varve_table":                 "versioned tables: what each was declared as",
	"varve_entity_<table>":        "the rows of a versioned table: key, owner, newest version",
	"varve_log_<table>":           "the versions of its rows",
	"varve_artifact":              "artifacts by the SHA-256 of their bytes, and where these lie",
	"varve_artifact_part":         "the files of artifacts that are folders",
	"varve_artifact_ref":          "who names an artifact",
	"varve_artifact_note":         "places of artifacts that are being written or removed",
	"varve_component":             "components: every version of each, with its record",
	"varve_component_head":        "the number of each component's next version",
	"varve_data_table":            "tables of the user's own that Varve made: the types of their columns",
	"varve_edge":                  "which version of a component has which as its child",
	"varve_journal":               "what was begun outside the metadata and is not settled yet",
	"varve_orphan":                "keys of stored bytes that wait for deletion",
	"users.varve_seq":             "what a newer row has more of",
	"threads.varve_seq":           "what a newer row has more of",
	"steps.varve_seq":             "what a newer row has more of",
	"elements.varve_seq":          "what a newer row has more of",
	"feedbacks.varve_seq":         "what a newer row has more of",
	"steps.varve_starred":         "the step is a favourite",
	"threads.varve_last_activity": "the time that listings order by",
	"threads.varve_fold":          "the searchable form of the name",
	"steps.varve_fold":            "the searchable form of the output",
	"steps.varve_extra":           "keys that have no column",
	"User.varve_created":          "in the official tables: the creation, to the microsecond",
	"Thread.varve_created":        "in the official tables: the creation, to the microsecond",
	"Thread.varve_last_activity":  "the same in the official tables",
	"Thread.varve_fold":           "the same in the official tables",
	"Step.varve_fold":             "the same in the official tables",
	"Step.varve_extra":            "in the official tables: keys that have no column, exact times",
	"elements.varve_extra":        "keys that have no column",
}

// A name stands in a database as a kind of thing.
type name struct{ kind, name string }

var kinds = []struct{ kind, title string }{
	{"table", "Tables"}, {"column", "Columns in Chainlit's tables"},
	{"index", "Indexes"}, {"trigger", "Triggers"}, {"function", "Functions"},
}

func TestEveryNameOfOursIsListed(t *testing.T) {
	isPage(t, "names.md", renderNames(t, []engine{{"SQLite", sqliteNames(t)}, {"PostgreSQL", postgresNames(t)}, {"MySQL", mysqlNames(t)}, {"DuckDB, both files", duckdbNames(t)}}))
}

// engine is a kind of database and the names that Varve makes there.
type engine struct {
	title string
	names []name
}

// declared is a versioned table, which stands for all.
const declared = "example"

func general(n string) string { return strings.Replace(n, "_"+declared, "_<table>", 1) }

// use makes a store create what it creates at first use.
func use(t *testing.T, st store.Store) {
	t.Helper()
	defer st.Close()
	w := chat.Write{Now: time.Now()}
	if err := st.Chat().ApplyStep(t.Context(), chat.Step{ID: "s", ThreadID: "t", Type: "run"}, w); err != nil {
		t.Fatal(err)
	}
	if _, err := st.Secret(t.Context(), "names"); err != nil {
		t.Fatal(err)
	}
	if err := st.Components().Begin(t.Context(), component.Entry{ID: "names", At: time.Now(), Body: component.Raw("{}")}); err != nil {
		t.Fatal(err)
	}
	if err := st.Artifacts().Begin(t.Context(), artifact.Note{Place: "names", At: time.Now()}); err != nil {
		t.Fatal(err)
	}
	if err := st.Query().Create(t.Context(), query.Table{Name: "docs", Key: "id", Columns: []query.Column{
		{Name: "id", Type: query.Type{Kind: query.Text}, Required: true}}}); err != nil {
		t.Fatal(err)
	}
	_, err := st.State().Declare(t.Context(), state.Schema{Name: declared, Key: []string{"id"}, Owner: "user",
		Columns: []state.Column{{Name: "id", Type: state.Text}, {Name: "user", Type: state.Text}}})
	if err != nil && errs.KindOf(err) != errs.Unsupported {
		t.Fatal(err)
	}
}

func sqliteNames(t *testing.T) (found []name) {
	path := sqliteFile(t, "")
	use(t, openSQLite(t, path))
	return sqliteNamesIn(t, path)
}

// duckdbNames are those in a DuckDB file and in the one beside it.
func duckdbNames(t *testing.T) (found []name) {
	path := filepath.Join(t.TempDir(), "docs.duckdb")
	use(t, openDuckDB(t, path))
	st := openDuckDB(t, path)
	a, err := st.Query().Raw(t.Context(), query.Raw{SQL: `SELECT table_name FROM duckdb_tables() WHERE starts_with(table_name, 'varve_') ORDER BY 1`}, false)
	if err != nil {
		t.Fatal(err)
	}
	for row := range a.Rows {
		found = append(found, name{"table", row[0].(string)})
	}
	if err := st.Close(); err != nil || len(found) == 0 {
		t.Fatalf("names %v, %v", found, err)
	}
	for _, n := range sqliteNamesIn(t, path+duckdb.Suffix) {
		if !slices.Contains(found, n) {
			found = append(found, n)
		}
	}
	return found
}

func sqliteNamesIn(t *testing.T, path string) (found []name) {
	onSQLite(t, path, func(c *sqlite3.Conn) error {
		q, _, err := c.Prepare(`
			SELECT type, name FROM sqlite_schema WHERE name LIKE 'varve\_%' ESCAPE '\'
			UNION SELECT 'column', m.name || '.' || p.name FROM sqlite_schema m, pragma_table_info(m.name) p
			WHERE m.type = 'table' AND m.name NOT LIKE 'varve\_%' ESCAPE '\' AND p.name LIKE 'varve\_%' ESCAPE '\'`)
		if err != nil {
			return err
		}
		defer q.Close()
		for q.Step() {
			found = append(found, name{q.ColumnText(0), general(q.ColumnText(1))})
		}
		return q.Err()
	})
	return found
}

// postgresNames are those of both shapes that Varve makes.
func postgresNames(t *testing.T) (found []name) {
	for _, shape := range []string{"", "&schema=official"} {
		url := pgtest.New(t)
		use(t, openPostgres(t, url+shape))
		for _, n := range namesIn(t, url) {
			if !slices.Contains(found, n) {
				found = append(found, n)
			}
		}
	}
	return found
}

func namesIn(t *testing.T, url string) []name {
	c, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	rows, err := c.Query(t.Context(), `
		SELECT CASE relkind WHEN 'i' THEN 'index' ELSE 'table' END, relname::text FROM pg_class
		WHERE relkind IN ('r', 'i') AND relname LIKE 'varve\_%' AND NOT (relkind = 'i' AND relname LIKE '%\_pkey')
		UNION SELECT 'column', c.relname || '.' || a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
		WHERE c.relkind = 'r' AND c.relname NOT LIKE 'varve\_%' AND a.attname LIKE 'varve\_%'
		UNION SELECT 'trigger', tgname::text FROM pg_trigger WHERE NOT tgisinternal AND tgname LIKE 'varve\_%'
		UNION SELECT 'function', proname::text FROM pg_proc WHERE proname LIKE 'varve\_%'`)
	if err != nil {
		t.Fatal(err)
	}
	found, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (n name, err error) {
		err = r.Scan(&n.kind, &n.name)
		n.name = general(n.name)
		return n, err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func mysqlNames(t *testing.T) (found []name) {
	url := mytest.New(t)
	use(t, openMySQL(t, url))
	db := mytest.Connect(t, url)
	defer db.Close()
	rows, err := db.QueryContext(t.Context(), `
		SELECT 'table', table_name FROM information_schema.tables WHERE table_schema = database() AND table_name LIKE 'varve\_%'
		UNION SELECT 'column', concat(table_name, '.', column_name) FROM information_schema.columns
		  WHERE table_schema = database() AND table_name NOT LIKE 'varve\_%' AND column_name LIKE 'varve\_%'
		UNION SELECT 'index', index_name FROM information_schema.statistics WHERE table_schema = database() AND index_name LIKE 'varve\_%'`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var n name
		if err := rows.Scan(&n.kind, &n.name); err != nil {
			t.Fatal(err)
		}
		found = append(found, n)
	}
	if rows.Err() != nil {
		t.Fatal(rows.Err())
	}
	return found
}

func renderNames(t *testing.T, engines []engine) string {
	t.Helper()
	titles := ""
	for _, e := range engines {
		if len(e.names) < 10 {
			t.Fatalf("found %d names on %s: the search is broken", len(e.names), e.title)
		}
		titles += " " + e.title + " |"
	}
	lines := strings.Repeat("---|", len(engines))
	var b strings.Builder
	b.WriteString(`# Names that are Varve's

<!-- Made by internal/reference from the databases themselves; change it with: make docs -->

Varve shares a database with your application. Everything it adds there begins with
` + "`varve_`" + `, and this is all of it. A table of yours that has one of these names is a
reason for Varve to refuse the database, and is left as it is.
`)
	for _, k := range kinds {
		fmt.Fprintf(&b, "\n## %s\n\n", k.title)
		explained := k.kind == "table" || k.kind == "column"
		if explained {
			b.WriteString("| name |" + titles + " |\n|---|" + lines + "---|\n")
		} else {
			b.WriteString("| name |" + titles + "\n|---|" + lines + "\n")
		}
		for _, n := range named(k.kind, engines) {
			fmt.Fprintf(&b, "| `%s` |", n.name)
			for _, e := range engines {
				fmt.Fprintf(&b, " %s |", yes(e.names, n))
			}
			if explained {
				if meanings[n.name] == "" {
					t.Errorf("%s %s is not explained", n.kind, n.name)
				}
				fmt.Fprintf(&b, " %s |", meanings[n.name])
			}
			b.WriteString("\n")
		}
	}
	return b.String()
}

// named are the names of a kind in any database, sorted.
func named(kind string, engines []engine) (out []name) {
	for _, e := range engines {
		for _, n := range e.names {
			if n.kind == kind && !slices.Contains(out, n) {
				out = append(out, n)
			}
		}
	}
	slices.SortFunc(out, func(a, b name) int { return strings.Compare(a.name, b.name) })
	return out
}

func yes(list []name, n name) string {
	if slices.Contains(list, n) {
		return "yes"
	}
	return ""
}
