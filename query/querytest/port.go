package querytest

import (
	"context"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/query"
)

var port = []rule{
	{name: "a table that is not as the plan has it is a conflict", test: func(s *subject) {
		old := s.declare("docs", "id text", "n integer")
		s.insert("docs", query.Row{"id": "a", "n": 1})
		s.must(s.db.DropTable(s.ctx, "docs"))
		s.declare("docs", "id text", "n text", "m integer")
		s.insert("docs", query.Row{"id": "a", "n": "x"})
		p, w := plan(&old), query.Write{Table: &old, Now: day(0)}
		for _, err := range s.store.Query().Select(s.ctx, p) {
			s.kind(errs.Conflict, err)
		}
		_, err := s.store.Query().Insert(s.ctx, w, [][]any{{"b", int64(1), nil}})
		s.kind(errs.Conflict, err)
		_, err = s.store.Query().Update(s.ctx, w, []query.Assign{{Column: 1, Value: int64(2)}}, query.Cond{Op: query.And})
		s.kind(errs.Conflict, err)
		_, err = s.store.Query().Delete(s.ctx, w, query.Cond{Op: query.Equal, Ref: query.Ref{Column: 1, Type: typed("integer")}, Value: int64(1)})
		s.kind(errs.Conflict, err)
		s.equal(s.count("docs"), 1)
	}},
	{name: "a table of another process is seen", test: func(s *subject) {
		s.kind(errs.NotFound, s.fails(query.From("docs")))
		s.must(s.store.Query().Create(s.ctx, query.Table{Name: "docs", Key: "id", Columns: []query.Column{{Name: "id", Type: typed("text"), Required: true}}}))
		s.equal(s.count("docs"), 0)
	}},
	{name: "a call that is given up fails and leaves nothing", test: func(s *subject) {
		s.insert("docs", query.Row{"id": "a"})
		ctx, cancel := context.WithCancel(s.ctx)
		cancel()
		for _, q := range []query.Question{query.From("docs"), query.Into("docs").Rows(query.Row{"id": "b"}), query.Remove("docs").All()} {
			r, err := s.db.Execute(ctx, q)
			if err == nil {
				_, err = r.All()
			}
			if err == nil {
				s.Errorf("%+v: no error", q)
			}
		}
		s.equal(s.count("docs"), 1)
	}},
}

// plan asks for all rows of a table.
func plan(t *query.Table) *query.Plan {
	p := &query.Plan{Tables: []query.Source{{Table: t}}, Where: query.Cond{Op: query.And}}
	for i, c := range t.Columns {
		p.Columns = append(p.Columns, query.Ref{Column: i, Type: c.Type})
	}
	p.Order = []query.Sort{{Ref: query.Ref{Column: t.Index(t.Key), Type: t.Columns[t.Index(t.Key)].Type}}}
	return p
}
