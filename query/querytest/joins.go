package querytest

import (
	"encoding/json"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/query"
)

// authorsAndBooks are two tables of which rows have a partner, several, or none.
func (s *subject) authorsAndBooks() {
	s.Helper()
	s.insert("authors", query.Row{"id": "ada", "name": "Ada", "n": 1}, query.Row{"id": "bob", "name": "Bob", "n": 2}, query.Row{"id": "cy", "name": nil, "n": nil})
	s.insert("books",
		query.Row{"id": "1", "author": "ada", "title": "One", "r": 1.0, "meta": map[string]any{"by": "ada"}},
		query.Row{"id": "2", "author": "ada", "title": "Two", "r": 2.0, "meta": map[string]any{"by": "bob"}},
		query.Row{"id": "3", "author": "bob", "title": "Three", "r": 2.5, "meta": map[string]any{"by": 3}},
		query.Row{"id": "4", "author": nil, "title": "Four", "r": nil, "meta": nil},
		query.Row{"id": "5", "author": "nobody", "title": "Five", "r": 1.0, "meta": map[string]any{}})
}

var joins = []rule{
	{name: "a join keeps pairs that are equal", test: func(s *subject) {
		s.authorsAndBooks()
		q := query.From("books").Join("authors", "author", "id").Select("title", "name")
		s.equal(s.rows(q), []query.Row{{"title": "One", "name": "Ada"}, {"title": "Two", "name": "Ada"}, {"title": "Three", "name": "Bob"}})
		s.equal(s.column(q.Where(query.Eq("name", "Ada")).OrderBy("-title"), "title"), []any{"Two", "One"})
		s.equal(names(s.do(query.From("books").Join("authors", "author", "id"))), []string{"id", "author", "meta", "r", "title", query.Fold})
	}},
	{name: "a left join keeps rows without a partner", test: func(s *subject) {
		s.authorsAndBooks()
		q := query.From("books").LeftJoin("authors", "author", "id").Select("title", "name", "authors.id").OrderBy("books.id")
		s.equal(s.column(q, "name"), []any{"Ada", "Ada", "Bob", nil, nil})
		s.equal(s.column(q.Where(query.IsNull("authors.id")), "title"), []any{"Four", "Five"})
		s.equal(s.column(query.From("authors").LeftJoin("books", "id", "author").Select("title"), "title"), []any{"One", "Two", "Three", nil})
	}},
	{name: "the order is total over all tables", test: func(s *subject) {
		s.authorsAndBooks()
		q := query.From("authors").Join("books", "id", "author").Select("books.id", "authors.id")
		s.equal(s.column(q.OrderBy("-authors.id"), "books.id"), []any{"3", "1", "2"})
		s.equal(s.column(q.OrderBy("authors.n", "-books.id"), "books.id"), []any{"2", "1", "3"})
		s.equal(s.column(q.Limit(1).Offset(1), "books.id"), []any{"2"})
	}},
	{name: "several tables, the same one twice", test: func(s *subject) {
		s.authorsAndBooks()
		q := query.From("books").As("b").Join("authors", "b.author", "id").
			With(query.Join{Table: "books", As: "other", On: [][2]string{{"authors.id", "other.author"}}}).
			Where(query.Ne("other.id", query.Col("b.id"))).Select("b.title").SelectAs("other.title", "beside")
		s.equal(s.rows(q), []query.Row{{"b.title": "One", "beside": "Two"}, {"b.title": "Two", "beside": "One"}})
		s.field(errs.Invalid, "books", s.fails(query.From("books").Join("books", "id", "id")))
	}},
	{name: "pairs of several columns, of numbers of both types, and of places in JSON", test: func(s *subject) {
		s.authorsAndBooks()
		two := query.From("books").With(query.Join{Table: "books", As: "o", On: [][2]string{{"r", "r"}, {"author", "author"}}}).Select("books.id", "o.id")
		s.equal(s.column(two, "o.id"), []any{"1", "2", "3", "5"})
		s.equal(s.column(query.From("books").Join("authors", "r", "n").Select("title"), "title"), []any{"One", "Two", "Five"})
		s.equal(s.column(query.From("books").Join("authors", "meta.by", "id").Select("name"), "name"), []any{"Ada", "Bob"})
		s.equal(s.column(query.From("books").Join("authors", "meta.by", "id").Select("meta.by"), "meta.by"), []any{json.RawMessage(`"ada"`), json.RawMessage(`"bob"`)})
	}},
	{name: "a name of two tables must say which", test: func(s *subject) {
		s.authorsAndBooks()
		j := query.From("books").Join("authors", "author", "id")
		s.says(errs.Invalid, "books.id or authors.id", s.fails(j.Select("id")))
		s.says(errs.Invalid, "books.id or authors.id", s.fails(j.Where(query.Eq("id", "1"))))
		s.field(errs.Invalid, "books.nme", s.fails(j.Select("books.nme")))
		s.field(errs.Invalid, "author", s.fails(query.From("books").Join("authors", "author", "n")))
		s.field(errs.Invalid, "join", s.fails(query.From("books").With(query.Join{Table: "authors"})))
		s.kind(errs.NotFound, s.fails(query.From("books").Join("autors", "author", "id")))
	}},
}
