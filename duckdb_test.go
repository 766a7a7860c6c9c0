//go:build cgo && !no_duckdb

package varve_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/varvedb/varve"
	"github.com/varvedb/varve/all"
	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/component"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/query"
)

// One URL opens a DuckDB file for tables, the SQLite file beside it for all
// else, and a folder for artifacts; naming them names the same.
func TestWhatADuckDBFileOpens(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for name, o := range map[string]varve.Options{
		"nothing": {}, "metadata beside": {Metadata: "sqlite:docs.duckdb.varve.db"}, "itself": {Metadata: "duckdb:docs.duckdb"}, "artifacts": {Artifacts: "docs.duckdb.varve/artifacts/"},
	} {
		t.Run(name, func(t *testing.T) {
			db := open(t, "duckdb://docs.duckdb", o)
			defer db.Close()
			if db.Databackend() != (varve.Part{Kind: "duckdb", URL: "duckdb:docs.duckdb"}) || db.Metadata() != (varve.Part{Kind: "sqlite", URL: "sqlite:docs.duckdb.varve.db"}) || strings.TrimSuffix(db.Artifacts().URL, "/") != "file://docs.duckdb.varve/artifacts" {
				t.Errorf("it opened %v, %v, %v", db.Databackend(), db.Metadata(), db.Artifacts().Part)
			}
			fields := &component.Schema{Base: component.Base{Identifier: "notes-fields"}, Fields: map[string]component.FieldType{"text": {Type: "text"}}}
			if _, err := db.Apply(t.Context(), &component.Table{Base: component.Base{Identifier: "notes"}, Schema: component.Of(fields)}); err != nil {
				t.Fatal(err)
			}
			if _, err := db.Execute(t.Context(), query.Into("notes").Rows(query.Row{"text": name})); err != nil {
				t.Fatal(err)
			}
		})
	}
	db := open(t, "duckdb:docs.duckdb", varve.Options{Metadata: filepath.Join(dir, "elsewhere")})
	if db.Metadata().Kind != "sqlite" || !strings.HasSuffix(db.Metadata().URL, "elsewhere/varve.db") {
		t.Errorf("metadata elsewhere: %v", db.Metadata())
	}
	r, err := db.Execute(t.Context(), query.From("notes"))
	if err != nil {
		t.Fatal(err)
	}
	if rows, err := r.All(); err != nil || len(rows) != 4 {
		t.Errorf("rows %v, %v", rows, err)
	}
}

// Questions in SQL are answered by the mirror, which follows the file beside
// whatever is written to tables.
func TestTheMirrorOfADuckDBFile(t *testing.T) {
	db := open(t, "duckdb:"+filepath.Join(t.TempDir(), "docs.duckdb"), varve.Options{})
	count := func(want int64) {
		t.Helper()
		rows, err := db.SQL(t.Context(), `SELECT count(*) FROM steps`)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		if list, err := rows.Slice(); err != nil || list[0][0] != want {
			t.Errorf("%v, %v, want %d", list, err, want)
		}
	}
	for i, id := range []string{"9b2d5a3e-6c0f-4c8e-9a53-0a8b8f1c7e11", "9b2d5a3e-6c0f-4c8e-9a53-0a8b8f1c7e12", "9b2d5a3e-6c0f-4c8e-9a53-0a8b8f1c7e13"} {
		if _, err := db.Chat().PutStep(t.Context(), chat.Step{ID: id, ThreadID: "3fa85f64-5717-4562-b3fc-2c963f66afa6", Type: "user_message", Output: "hello"}); err != nil {
			t.Fatal(err)
		}
		if _, err := db.Execute(t.Context(), query.Into("docs").Rows(make([]query.Row, 10)...)); err != nil {
			t.Fatal(err)
		}
		count(int64(i + 1))
	}
}

func TestADuckDBFileIsNoMirrorAndNoTransaction(t *testing.T) {
	dir := t.TempDir()
	_, err := all.Open(t.Context(), "duckdb:"+filepath.Join(dir, "mirror.duckdb"), nil)
	if !errors.Is(err, errs.Invalid) || !strings.Contains(err.Error(), "mirror") {
		t.Errorf("a file that is named as the mirror: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "x"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for url, want := range map[string]errs.Kind{"duckdb:" + dir + "/y?memory=lots": errs.Invalid, "duckdb:" + dir + "/z?nothing=1": errs.Invalid, "duckdb:" + dir + "/no/such/z": errs.Unavailable} {
		if db, err := all.Open(t.Context(), url, nil); !errors.Is(err, want) {
			t.Errorf("%s: %v, %v", url, db, err)
		}
	}
	db := open(t, "duckdb:"+filepath.Join(dir, "docs.duckdb")+"?memory=512MiB&synchronous=normal", varve.Options{})
	err = db.Update(t.Context(), func(ctx context.Context, tx *varve.Tx) error {
		_, err := tx.Execute(ctx, query.Into("docs").Rows(query.Row{"n": 1}))
		return err
	})
	if !errors.Is(err, errs.Unsupported) || !strings.Contains(err.Error(), "transaction") {
		t.Errorf("a table in a transaction: %v", err)
	}
}
