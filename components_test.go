package varve_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/varvedb/varve"
	"github.com/varvedb/varve/component"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/query"
)

// Rows, a component that names what is inside it, and its bytes: through the
// front door, and again after it was closed.
func TestADatalayerOpensAgain(t *testing.T) {
	url := filepath.Join(t.TempDir(), "data")
	ctx := t.Context()
	db := open(t, url, varve.Options{})
	if _, err := db.Execute(ctx, query.Into("docs").Rows(query.Row{"n": 1}, query.Row{"n": 2})); err != nil {
		t.Fatal(err)
	}
	model, err := component.Decode([]byte(`{"type_id": "model", "identifier": "m", "kind": "expr", "artifacts": {"weights": "` + strings.Repeat("QUJD", 4000) + `"}}`))
	if err != nil {
		t.Fatal(err)
	}
	done, err := db.Apply(ctx, model)
	if err != nil || len(done.Created) != 1 {
		t.Fatalf("%+v, %v", done, err)
	}
	if kept, err := db.Artifacts().List(ctx, "", 10); err != nil || len(kept) != 1 || kept[0].Size != 16000 {
		t.Fatalf("kept are %+v, %v", kept, err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}

	db = open(t, url, varve.Options{})
	if again, err := db.Add(ctx, model); err != nil || len(again.Unchanged) != 1 {
		t.Errorf("the same again: %+v, %v", again, err)
	}
	loaded, err := db.Load(ctx, component.Newest("model", "m"))
	if err != nil || loaded.Type() != "model" {
		t.Fatalf("%v, %v", loaded, err)
	}
	rows, err := db.Execute(ctx, query.From("docs").Where(query.Gt("n", 1)))
	if err != nil {
		t.Fatal(err)
	}
	if all, err := rows.All(); err != nil || len(all) != 1 {
		t.Errorf("%v, %v", all, err)
	}
	if err := db.Drop(ctx, component.DropOptions{Confirm: "yes"}); errs.KindOf(err) != errs.Invalid {
		t.Errorf("a slip drops everything: %v", err)
	}
	if err := db.Drop(ctx, component.DropOptions{Confirm: db.Name()}); err != nil {
		t.Error(err)
	}
	if swept, err := db.Sweep(ctx); err != nil || swept.Artifacts != 0 {
		t.Errorf("what was dropped a moment ago is swept: %+v, %v", swept, err)
	}
	if _, err := db.Predict(ctx, "m", 1); errs.KindOf(err) != errs.Unsupported {
		t.Error(err)
	}
}
