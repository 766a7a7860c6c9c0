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
	"github.com/varvedb/varve/component"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/query"
)

// One URL opens a folder of files for tables, the SQLite file in it for all
// else, and a folder for artifacts; every spelling and naming them name the same.
func TestWhatAFolderOpens(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	beside := filepath.Join("docs", ".varve", "varve.db")
	for url, o := range map[string]varve.Options{
		"csv:docs": {}, "csv://docs": {Metadata: "sqlite:" + beside}, "docs/*.csv": {Metadata: "csv:docs"}, "csv:docs/*.csv": {Artifacts: "docs/.varve/artifacts"},
	} {
		t.Run(url, func(t *testing.T) {
			db := open(t, url, o)
			defer db.Close()
			if db.Databackend() != (varve.Part{Kind: "csv", URL: "csv:docs"}) || db.Metadata() != (varve.Part{Kind: "sqlite", URL: "sqlite:" + beside}) || db.Artifacts().Kind != "file" {
				t.Errorf("it opened %v, %v, %v", db.Databackend(), db.Metadata(), db.Artifacts().Part)
			}
			fields := &component.Schema{Base: component.Base{Identifier: "notes-fields"}, Fields: map[string]component.FieldType{"text": {Type: "text"}}}
			if _, err := db.Apply(t.Context(), &component.Table{Base: component.Base{Identifier: "notes"}, Schema: component.Of(fields)}); err != nil {
				t.Fatal(err)
			}
			if _, err := db.Execute(t.Context(), query.Into("notes").Rows(query.Row{"text": url})); err != nil {
				t.Fatal(err)
			}
		})
	}
	raw, err := os.ReadFile("docs/notes.csv")
	if err != nil || strings.Count(string(raw), "\n") != 5 || !strings.Contains(string(raw), "docs/*.csv") {
		t.Errorf("%s, %v", raw, err)
	}
	db := open(t, "csv:docs?memory=1MiB&synchronous=normal", varve.Options{})
	err = db.Update(t.Context(), func(ctx context.Context, tx *varve.Tx) error {
		_, err := tx.Execute(ctx, query.From("notes"))
		return err
	})
	if !errors.Is(err, errs.Unsupported) || !strings.Contains(err.Error(), "transaction") {
		t.Errorf("a table in a transaction: %v", err)
	}
	for url, want := range map[string]errs.Kind{"csv:docs?memory=lots": errs.Invalid, "csv:docs?nothing=1": errs.Invalid, "csv:no/such/folder": errs.Unavailable, "csv:docs/notes.csv": errs.Unavailable} {
		if db, err := all.Open(t.Context(), url, nil); !errors.Is(err, want) {
			t.Errorf("%s: %v, %v", url, db, err)
		}
	}
}
