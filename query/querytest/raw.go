package querytest

import (
	"errors"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/query"
)

func hasRaw(f query.Features) bool { return f.Raw }

var raws = []rule{
	{name: "a question in the database's own language", when: hasRaw, test: func(s *subject) {
		s.insert("docs", numbered(1, 10)...)
		r := s.do(query.SQL("select n, y, null as nada, id from docs where n > 7 order by n"))
		s.equal(names(r), []string{"n", "y", "nada", "id"})
		rows, err := r.All()
		s.must(err)
		s.equal(len(rows), 3)
		s.equal(rows[0], query.Row{"n": int64(8), "y": int64(1), "nada": nil, "id": "00008"})
		s.equal(s.rows(query.SQL("select n from docs where n > 100")), []query.Row{})
	}},
	{name: "arguments are bound", when: hasRaw, test: func(s *subject) {
		s.insert("docs", query.Row{"id": "a", "t": "'; drop table docs; --", "n": 1}, query.Row{"id": "b", "t": "x", "n": 2})
		r, err := s.db.Execute(s.ctx, query.SQL("select id from docs where t = ? and n = ?", "'; drop table docs; --", 1))
		if err != nil { // it counts its arguments
			r = s.do(query.SQL("select id from docs where t = $1 and n = $2", "'; drop table docs; --", 1))
		}
		rows, err := r.All()
		s.must(err)
		s.equal(rows, []query.Row{{"id": "a"}})
	}},
	{name: "it reads, whatever it says", when: hasRaw, test: func(s *subject) {
		s.insert("docs", numbered(1, 3)...)
		before := s.rows(query.From("docs"))
		for _, statement := range []string{
			"delete from docs", "DELETE FROM docs WHERE n = 1", "update docs set n = 0", "insert into docs (id) values ('x')", "drop table docs", "create table other (id integer)",
			"alter table docs add column z integer", "/* */ -- \n delete from docs", "select 1; delete from docs", "begin; delete from docs; commit", "commit; delete from docs",
			"with gone as (delete from docs returning id) select * from gone", "truncate docs", "set transaction read write; delete from docs", "create index i on docs (n)",
		} {
			r, err := s.db.Execute(s.ctx, query.SQL(statement))
			if err == nil {
				_, err = r.All()
			}
			if kind := errs.KindOf(err); kind != errs.Forbidden && kind != errs.Invalid {
				s.Errorf("%s: %v", statement, err)
			}
			s.equal(s.rows(query.From("docs")), before)
		}
		s.kind(errs.NotFound, s.fails(query.From("other")))
		s.insert("docs", query.Row{"id": "later"})
	}},
	{name: "what cannot be read is invalid", when: hasRaw, test: func(s *subject) {
		s.kind(errs.Invalid, s.fails(query.SQL("selekt 1")))
		s.kind(errs.Invalid, s.fails(query.SQL("select nothing from nowhere")))
		s.field(errs.Invalid, "raw.sql", s.fails(query.SQL(" ")))
	}},
	{name: "an answer may be broken off", when: hasRaw, test: func(s *subject) {
		s.insert("docs", numbered(1, 100)...)
		for range 20 {
			for _, err := range s.do(query.SQL("select a.n from docs a, docs b")).Rows() {
				s.must(err)
				break
			}
		}
		s.insert("docs", query.Row{"id": "later"})
	}},
	{name: "a service may be told to let it write", when: hasRaw, test: func(s *subject) {
		if s.store == nil {
			return
		}
		s.insert("docs", numbered(1, 3)...)
		writing := query.NewService(s.store.Query(), query.Options{RawWrite: true})
		r, err := writing.Execute(s.ctx, query.SQL("update docs set n = 9 where n = 1"))
		s.must(err)
		_, err = r.All()
		s.must(err)
		s.equal(s.column(query.From("docs").OrderBy("n"), "n"), ints(2, 3, 9))
	}},
	{name: "a caller that acts for a user may not ask it", test: func(s *subject) {
		if s.store == nil {
			return
		}
		_, err := query.NewService(s.store.Query(), query.Options{}).As("ada").Execute(s.ctx, query.SQL("select 1"))
		s.kind(errs.Forbidden, err)
	}},
	{name: "a database without a language says so", when: func(f query.Features) bool { return !f.Raw }, test: func(s *subject) {
		if err := s.fails(query.SQL("select 1")); !errors.Is(err, errs.Unsupported) {
			s.Fatal(err)
		}
	}},
}
