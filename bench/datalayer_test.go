package bench

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/varvedb/varve"
	"github.com/varvedb/varve/component"
	"github.com/varvedb/varve/query"
)

// BenchmarkDatalayer puts the data layer beside Superduper on SQLite: rows in
// and out, and an application of 51 components applied.
func BenchmarkDatalayer(b *testing.B) {
	const components = 51
	rows, turns := size(10_000, 200), size(5, 1)
	theirs := superduper(b, rows, size(components, 5), turns)
	db := open(b, "sqlite:"+filepath.Join(b.TempDir(), "varve.db"))
	ours := map[string][]float64{}
	for turn := range turns {
		rowsOfTurn(b, db, turn, rows, ours)
		appliesOfTurn(b, db, turn, size(components, 5), ours)
	}
	p := results.part(fmt.Sprintf("The data layer: %d rows of 5 columns in and out, and an application of %d models", rows, components),
		"db.Execute and db.Apply, SQLite, synchronous=FULL; superduper-framework "+theirs.Version+" with superduper_sql on SQLite, its default durability; models that are data on both sides")
	for _, what := range []struct{ key, name string }{{"insert", "insert, one call"}, {"all", "select all"}, {"one", "select one by its key"},
		{"apply", "apply anew"}, {"unchanged", "apply unchanged"}, {"leaf", "apply, one field changed"}} {
		p.faster(seconds(ours[what.key]), what.name, seconds(theirs.took[what.key]), 1)
	}
	b.ReportMetric(0, "ns/op")
}

// noted notes how long something takes.
func noted(b *testing.B, took map[string][]float64, what string, do func() error) {
	b.Helper()
	started := time.Now()
	if err := do(); err != nil {
		b.Fatalf("%s: %v", what, err)
	}
	took[what] = append(took[what], time.Since(started).Seconds())
}

func rowsOfTurn(b *testing.B, db *varve.DB, turn, n int, took map[string][]float64) {
	table := fmt.Sprint("docs", turn)
	text := func(name string) query.Column { return query.Column{Name: name, Type: query.Type{Kind: query.Text}} }
	_, err := db.Query().CreateTable(b.Context(), query.Table{Name: table, Key: "id", Columns: []query.Column{text("id"), text("title"),
		{Name: "n", Type: query.Type{Kind: query.Integer}}, {Name: "score", Type: query.Type{Kind: query.Real}}, text("body")}})
	must(b, err)
	rows := make([]query.Row, n)
	for i := range rows {
		rows[i] = query.Row{"id": fmt.Sprintf("%02d-%08d", turn, i), "title": fmt.Sprint("document ", i), "n": int64(i), "score": float64(i) / 7,
			"body": strings.Repeat("What an application would be sorry to lose. ", 8)}
	}
	counted := func(q query.Question, want int) func() error {
		return func() error {
			answer, err := db.Execute(b.Context(), q)
			if err != nil {
				return err
			}
			got := 0
			for _, err := range answer.Rows() {
				if got++; err != nil {
					return err
				}
			}
			if got != want {
				return fmt.Errorf("%d rows, want %d", got, want)
			}
			return nil
		}
	}
	noted(b, took, "insert", func() error { _, err := db.Execute(b.Context(), query.Into(table).Rows(rows...)); return err })
	noted(b, took, "all", counted(query.From(table), n))
	noted(b, took, "one", counted(query.From(table).Where(query.Eq("id", rows[n/2]["id"])).Select("id", "title", "n", "score"), 1))
}

func appliesOfTurn(b *testing.B, db *varve.DB, turn, components int, took map[string][]float64) {
	apply := func(what string, changed, touched int) {
		app := &component.Application{Base: component.Base{Identifier: fmt.Sprint("app", turn)}}
		for i := range components - 1 {
			m := &component.Model{Base: component.Base{Identifier: fmt.Sprintf("m%d-%d", turn, i)}, Kind: "hash", BatchSize: 1}
			if i == 0 {
				m.BatchSize = changed
			}
			app.Components = append(app.Components, component.Of(m))
		}
		noted(b, took, what, func() error {
			r, err := db.Apply(b.Context(), app)
			if err == nil && len(r.Created)+len(r.Updated) != touched {
				err = fmt.Errorf("touched %d components, want %d", len(r.Created)+len(r.Updated), touched)
			}
			return err
		})
	}
	apply("apply", 1, components)
	apply("unchanged", 1, 0)
	apply("leaf", 2, 1)
}

// superduperTurns is what Superduper's turns took.
type superduperTurns struct {
	Version string
	took    map[string][]float64
}

func superduper(b *testing.B, rows, components, turns int) superduperTurns {
	b.Helper()
	python := "../.cache/venv-superduper/bin/python"
	if named := os.Getenv("BENCH_SUPERDUPER_PYTHON"); named != "" {
		python = named
	}
	cmd := exec.Command(python, "superduper_peer.py", b.TempDir(), fmt.Sprint(rows), fmt.Sprint(components), fmt.Sprint(turns))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		b.Fatalf("Superduper is needed (scripts/bench installs it; BENCH_SUPERDUPER_PYTHON names another Python): %v", err)
	}
	runtime.GC()
	var raw map[string]json.RawMessage
	must(b, json.Unmarshal(out, &raw))
	p := superduperTurns{took: map[string][]float64{}}
	for key, value := range raw {
		if key == "version" {
			must(b, json.Unmarshal(value, &p.Version))
			continue
		}
		var list []float64
		must(b, json.Unmarshal(value, &list))
		p.took[key] = list
	}
	return p
}
