//go:build cgo && !no_duckdb

package duck

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/google/go-cmp/cmp"

	"github.com/varvedb/varve/errs"
)

// Whoever reads Arrow finds the engine's types and values, over several
// batches, in both layouts.
func TestArrowHoldsTheAnswer(t *testing.T) {
	c := open(t)
	const sql = `SELECT i AS n, CASE WHEN i % 3 <> 0 THEN 'text ' || i END AS s, TIMESTAMP '2026-11-21 12:00' + to_seconds(i) AS t, [i, NULL] AS l,
{'a': 1.5::DOUBLE} AS o, sum(i) OVER () AS h, CASE WHEN i < 3000 THEN 'x' ELSE 'y' END::ENUM('x', 'y') AS e, 1 AS x, 2 AS X FROM range(5000) r(i) ORDER BY i`
	for _, file := range []bool{false, true} {
		rows, err := c.Query(t.Context(), sql)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		var b bytes.Buffer
		if err := rows.WriteArrow(t.Context(), &b, file, 5000); err != nil {
			t.Fatal(err)
		}
		schema, got := readArrow(t, b.Bytes(), file)
		var types []string
		for _, f := range schema.Fields() {
			types = append(types, f.Name+" "+f.Type.String())
		}
		want := []string{"n int64", "s utf8", "t timestamp[us]", "l list<l: int64, nullable>", "o struct<a: float64 nullable>", "h decimal(38, 0)",
			"e dictionary<values=utf8, indices=uint8, ordered=false>", "x int32", "X_2 int32"}
		if diff := cmp.Diff(want, types); diff != "" {
			t.Errorf("columns:\n%s", diff)
		}
		if len(got) != 5000 {
			t.Fatalf("%d rows", len(got))
		}
		for i, row := range map[int][]string{
			0:    {"0", "(null)", "2026-11-21T12:00:00Z", "[0,null]", `{"a":1.5}`, "12497500", "x", "1", "2"},
			4999: {"4999", "text 4999", "2026-11-21T13:23:19Z", "[4999,null]", `{"a":1.5}`, "12497500", "y", "1", "2"},
		} {
			if diff := cmp.Diff(row, got[i]); diff != "" {
				t.Errorf("file %t, row %d:\n%s", file, i, diff)
			}
		}
	}
}

func readArrow(t *testing.T, raw []byte, file bool) (schema *arrow.Schema, rows [][]string) {
	t.Helper()
	take := func(b arrow.RecordBatch) {
		for i := range int(b.NumRows()) {
			row := make([]string, b.NumCols())
			for j := range row {
				row[j] = b.Column(j).ValueStr(i)
			}
			rows = append(rows, row)
		}
	}
	if file {
		r, err := ipc.NewFileReader(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		for i := range r.NumRecords() {
			b, err := r.RecordBatchAt(i)
			if err != nil {
				t.Fatal(err)
			}
			take(b)
		}
		return r.Schema(), rows
	}
	r, err := ipc.NewReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	for r.Next() {
		take(r.RecordBatch())
	}
	if r.Err() != nil {
		t.Fatal(r.Err())
	}
	return r.Schema(), rows
}

// A stream that is cut short, by a limit or because its reader went, is none.
func TestAnArrowStreamThatWasCutIsNone(t *testing.T) {
	c := open(t)
	for name, cut := range map[string]struct {
		limit int
		end   func(context.CancelFunc)
		want  error
	}{
		"by the limit of rows": {limit: 4000, end: func(context.CancelFunc) {}, want: ErrLimit},
		"by its caller":        {end: func(cancel context.CancelFunc) { cancel() }, want: context.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			rows, err := c.Query(ctx, `SELECT i FROM range(9000) r(i)`)
			if err != nil {
				t.Fatal(err)
			}
			defer rows.Close()
			w := &watched{after: 20_000, then: func() { cut.end(cancel) }}
			if err := rows.WriteArrow(ctx, w, false, cut.limit); !errors.Is(err, cut.want) {
				t.Fatalf("%v, want %v", err, cut.want)
			}
			r, err := ipc.NewReader(&w.Buffer)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Release()
			n := 0
			for r.Next() {
				n += int(r.RecordBatch().NumRows())
			}
			if r.Err() == nil || n == 0 || n >= 9000 {
				t.Errorf("%d rows were read to a good end: %v", n, r.Err())
			}
		})
	}
}

// watched does something when so many bytes were written.
type watched struct {
	bytes.Buffer
	after int
	then  func()
}

func (w *watched) Write(b []byte) (int, error) {
	if w.Len() < w.after && w.Len()+len(b) >= w.after {
		w.then()
	}
	return w.Buffer.Write(b)
}

func TestWhatArrowCannotSayIsRefused(t *testing.T) {
	c := open(t)
	for _, expr := range []string{`'101'::BIT`, `1::UHUGEINT`, `['12:00:00+02'::TIMETZ]`, `{'a': '1'::BIT}`, `MAP {'a': '1'::BIT}`} {
		rows, err := c.Query(t.Context(), `SELECT `+expr)
		if err != nil {
			t.Fatal(err)
		}
		if err := rows.WriteArrow(t.Context(), new(bytes.Buffer), false, 0); !errors.Is(err, errs.Unsupported) {
			t.Errorf("%s: %v", expr, err)
		}
		rows.Close()
	}
}
