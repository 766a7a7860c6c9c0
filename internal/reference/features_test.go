package reference

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/internal/dynamotest"
	"github.com/varvedb/varve/internal/mytest"
	"github.com/varvedb/varve/internal/pgtest"
	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/store/dynamodb"
	"github.com/varvedb/varve/store/memory"
)

// A database is one column of the table.
type database struct {
	name string
	open func(t *testing.T) store.Store
	mend bool // by the doctor, before it is asked
}

var databases = []database{
	{name: "memory", open: func(*testing.T) store.Store { return memory.Open() }},
	{name: "SQLite", open: func(t *testing.T) store.Store { return openSQLite(t, sqliteFile(t, "")) }},
	{name: "SQLite of Chainlit's, as found", open: chainlitSQLite},
	{name: "… mended", open: chainlitSQLite, mend: true},
	{name: "PostgreSQL", open: func(t *testing.T) store.Store { return openPostgres(t, pgtest.New(t)) }},
	{name: "PostgreSQL of Chainlit's, as found", open: chainlitPostgres},
	{name: "… mended", open: chainlitPostgres, mend: true},
	{name: "MySQL", open: func(t *testing.T) store.Store { return openMySQL(t, mytest.New(t)) }},
	{name: "DuckDB", open: func(t *testing.T) store.Store { return openDuckDB(t, filepath.Join(t.TempDir(), "docs.duckdb")) }},
	{name: "folder of files", open: func(t *testing.T) store.Store { return openFolder(t, t.TempDir()) }},
	{name: "DynamoDB", open: openDynamoDB, mend: true},
	{name: "PostgreSQL of Chainlit's official layer, as found", open: officialPostgres},
	{name: "… mended", open: officialPostgres, mend: true},
}

func chainlitSQLite(t *testing.T) store.Store {
	return openSQLite(t, sqliteFile(t, "../../store/sqlite/testdata/schemas/documented.sql"))
}

func openDynamoDB(t *testing.T) store.Store {
	st, err := dynamodb.Open(t.Context(), dynamotest.Missing(t), dynamodb.Options{Examine: true})
	if err != nil {
		t.Fatal(err)
	}
	return st
}

func chainlitPostgres(t *testing.T) store.Store {
	return openPostgres(t, postgresDatabase(t, "../../store/postgres/testdata/documented.sql"))
}

func officialPostgres(t *testing.T) store.Store {
	return openPostgres(t, postgresDatabase(t, "../../store/postgres/testdata/official.sql"))
}

func TestThePageSaysWhatTheStoresSay(t *testing.T) {
	var columns []chat.Features
	for _, d := range databases {
		st := d.open(t)
		t.Cleanup(func() { st.Close() })
		if d.mend {
			if err := st.(store.Doctor).Mend(t.Context()); err != nil {
				t.Fatalf("%s: %v", d.name, err)
			}
		}
		columns = append(columns, st.Chat().Features())
	}
	isPage(t, "features.md", render(rows(t), columns))
}

// A row is one feature, in the words of the comment on its field.
type row struct{ name, meaning string }

func rows(t *testing.T) (out []row) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../../chat/store.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.TypeSpec)
		if !ok || spec.Name.Name != "Features" {
			return true
		}
		for _, f := range spec.Type.(*ast.StructType).Fields.List {
			out = append(out, row{f.Names[0].Name, strings.TrimSpace(f.Comment.Text())})
		}
		return false
	})
	if len(out) != reflect.TypeFor[chat.Features]().NumField() {
		t.Fatalf("found %d fields of Features, there are %d", len(out), reflect.TypeFor[chat.Features]().NumField())
	}
	return out
}

func render(rows []row, columns []chat.Features) string {
	var b strings.Builder
	b.WriteString(`# What each database can do

<!-- Made by internal/reference from the databases themselves; change it with: make docs -->

Everything in [the suite](../chat/chattest) holds everywhere, save what a line below
denies. "As found" is a database that Chainlit made, before ` + "`varve doctor --apply`" + `,
"mended" the same one after it. Where there is no fast way, the answer is the same
and takes longer.

| feature | |`)
	for _, d := range databases {
		fmt.Fprintf(&b, " %s |", d.name)
	}
	b.WriteString("\n|---|---|" + strings.Repeat("---|", len(databases)) + "\n")
	for _, r := range rows {
		fmt.Fprintf(&b, "| `%s` | %s |", r.name, r.meaning)
		for _, f := range columns {
			answer := ""
			if reflect.ValueOf(f).FieldByName(r.name).Bool() {
				answer = "yes"
			}
			fmt.Fprintf(&b, " %s |", answer)
		}
		b.WriteString("\n")
	}
	return b.String()
}
