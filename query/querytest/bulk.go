package querytest

import (
	"errors"
	"fmt"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/query"
)

// Many is how many rows one call takes in the suite.
const Many = 10_000

// document is a row as people have them.
func document(i int) query.Row {
	return query.Row{"id": fmt.Sprintf("%06d", i), "title": fmt.Sprintf("The title of document %d", i), "n": i, "score": float64(i) / 7,
		"ok": i%2 == 0, "at": day(i % 1000), "meta": map[string]any{"tags": []string{"a", fmt.Sprint(i % 10)}, "size": i}, "v": []float32{float32(i), 1, 2, 3}}
}

func documents(n int) []query.Row {
	rows := make([]query.Row, n)
	for i := range rows {
		rows[i] = document(i)
	}
	return rows
}

var bulk = []rule{
	{name: "ten thousand rows in one call", test: func(s *subject) {
		ids := s.insert("docs", documents(Many)...)
		s.equal(len(ids), Many)
		n := 0
		for row, err := range s.do(query.From("docs").OrderBy("n")).Rows() {
			s.must(err)
			if row["id"] != ids[n] || row["n"] != int64(n) || row["score"] != float64(n)/7 {
				s.Fatalf("row %d is %v", n, row)
			}
			n++
		}
		s.equal(n, Many)
		s.equal(len(s.do(query.Change("docs").Set("score", 0).Where(query.Eq("ok", true))).IDs), Many/2)
		s.equal(len(s.do(query.Remove("docs").Where(query.Eq("score", 0))).IDs), Many/2)
		s.equal(s.count("docs"), Many/2)
	}},
	{name: "a row that fails takes all the others back", test: func(s *subject) {
		s.insert("docs", document(Many-1))
		s.taken("docs", "009999", documents(Many)...)
		s.equal(s.count("docs"), 1)
		rows := documents(Many - 1)
		rows[Many-2]["n"] = "x"
		s.field(errs.Invalid, fmt.Sprintf("rows[%d].n", Many-2), s.fails(query.Into("docs").Rows(rows...)))
		s.equal(s.count("docs"), 1)
	}},
}

var races = []rule{
	{name: "several writers at once lose nothing", test: func(s *subject) {
		const writers, each = 8, 10
		s.declare("docs", "id text", "n integer")
		for _, err := range together(writers, func(w int) error {
			for i := range each {
				rows := []query.Row{{"n": w}, {"n": w}, {"id": fmt.Sprintf("shared %d", i), "n": w}}
				if _, err := s.db.Execute(s.ctx, query.Into("docs").Rows(rows[:2]...)); err != nil {
					return err
				}
				if _, err := s.db.Execute(s.ctx, query.Into("docs").Rows(rows[2])); err != nil && !errors.Is(err, errs.Exists) {
					return err
				}
			}
			return nil
		}) {
			s.must(err)
		}
		s.equal(s.count("docs"), writers*each*2+each)
	}},
	{name: "one table is made by several at once", test: func(s *subject) {
		for _, err := range together(6, func(i int) error {
			_, err := s.db.Execute(s.ctx, query.Into("docs").Rows(query.Row{"n": i, "t": "x"}))
			return err
		}) {
			s.must(err)
		}
		s.equal(s.column(query.From("docs").OrderBy("n"), "n"), ints(0, 1, 2, 3, 4, 5))
	}},
	{name: "of several that insert a key one succeeds", test: func(s *subject) {
		s.declare("docs", "id text", "n integer")
		won := 0
		for _, err := range together(8, func(i int) error {
			_, err := s.db.Execute(s.ctx, query.Into("docs").Rows(query.Row{"id": "k", "n": i}, query.Row{"id": fmt.Sprint(i), "n": i}))
			return err
		}) {
			if err == nil {
				won++
			} else if !errors.Is(err, errs.Exists) {
				s.Error(err)
			}
		}
		s.equal([]int{won, s.count("docs")}, []int{1, 2})
	}},
	{name: "a reader sees an insert whole or not at all", test: func(s *subject) {
		s.declare("docs", "id text", "n integer")
		const batch = 50
		for _, err := range together(4, func(i int) error {
			for range 10 {
				if i%2 == 0 {
					if _, err := s.db.Execute(s.ctx, query.Into("docs").Rows(make([]query.Row, batch)...)); err != nil {
						return err
					}
					continue
				}
				r, err := s.db.Execute(s.ctx, query.From("docs"))
				if err != nil {
					return err
				}
				rows, err := r.All()
				if err != nil {
					return err
				}
				if len(rows)%batch != 0 {
					return fmt.Errorf("%d rows", len(rows))
				}
			}
			return nil
		}) {
			s.must(err)
		}
	}},
}
