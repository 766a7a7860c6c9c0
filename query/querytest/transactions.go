package querytest

import (
	"context"
	"errors"

	"github.com/varvedb/varve/change"
	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/query"
	"github.com/varvedb/varve/store"
)

func hasTransactions(f query.Features) bool { return f.Transactions }

// inside runs fn in a transaction, with a service in it.
func (s *subject) inside(fn func(in *subject) error) error {
	return s.store.Update(s.ctx, func(ctx context.Context, tx store.Tx) error {
		return fn(&subject{T: s.T, ctx: ctx, store: s.store, db: s.db.(*query.Service).In(tx.Query())})
	})
}

var errNo = errors.New("no")

var transactions = []rule{
	{name: "a transaction sees what it wrote", when: hasTransactions, test: func(s *subject) {
		s.insert("docs", numbered(1, 4)...)
		s.must(s.inside(func(in *subject) error {
			in.insert("docs", query.Row{"id": "new", "n": 5})
			in.equal(in.do(query.Change("docs").Set("y", 9).Where(query.Ge("n", 4))).IDs, []string{"00004", "new"})
			in.equal(in.do(query.Remove("docs").Where(query.Eq("n", 1))).IDs, []string{"00001"})
			in.equal(in.column(query.From("docs").OrderBy("n"), "n"), ints(2, 3, 4, 5))
			in.equal(in.column(query.From("docs").Where(query.Eq("y", 9)), "n"), ints(4, 5))
			return nil
		}))
		s.equal(s.column(query.From("docs").OrderBy("n"), "n"), ints(2, 3, 4, 5))
	}},
	{name: "a transaction that fails leaves nothing, nor a note", when: hasTransactions, test: func(s *subject) {
		s.insert("docs", numbered(1, 4)...)
		before := s.rows(query.From("docs"))
		at := int64(0)
		if s.db.Features().Changes {
			at = s.head()
		}
		err := s.inside(func(in *subject) error {
			in.insert("docs", query.Row{"id": "new", "n": 5})
			in.do(query.Change("docs").Set("y", 9).All())
			in.do(query.Remove("docs").Where(query.Eq("n", 1)))
			return errNo
		})
		if !errors.Is(err, errNo) {
			s.Fatal(err)
		}
		s.equal(s.rows(query.From("docs")), before)
		if s.db.Features().Changes {
			s.equal(s.notes("docs", at), []change.Event(nil))
		}
	}},
	{name: "a write that fails leaves the others", when: hasTransactions, test: func(s *subject) {
		s.insert("docs", numbered(1, 2)...)
		s.must(s.inside(func(in *subject) error {
			in.insert("docs", query.Row{"id": "a", "n": 3})
			in.taken("docs", "a", query.Row{"id": "lost", "n": 4}, query.Row{"id": "a", "n": 5})
			in.insert("docs", query.Row{"id": "b", "n": 6})
			return nil
		}))
		s.equal(s.column(query.From("docs").OrderBy("n"), "n"), ints(1, 2, 3, 6))
	}},
	{name: "rows and conversations commit together", when: hasTransactions, test: func(s *subject) {
		s.declare("docs", "id text", "n integer")
		both := func(fail error) error {
			return s.store.Update(s.ctx, func(ctx context.Context, tx store.Tx) error {
				w := chat.Write{Now: day(0)}
				if _, err := tx.Chat().PutUser(ctx, chat.User{ID: uuid(1), Identifier: "ada", CreatedAt: chat.FormatTime(day(0)), Metadata: chat.Object{}}, w); err != nil {
					return err
				}
				_, err := s.db.(*query.Service).In(tx.Query()).Execute(ctx, query.Into("docs").Rows(query.Row{"n": 1}))
				return errors.Join(err, fail)
			})
		}
		if err := both(errNo); !errors.Is(err, errNo) {
			s.Fatal(err)
		}
		s.equal(s.count("docs"), 0)
		_, err := s.store.Chat().User(s.ctx, "ada")
		s.kind(errs.NotFound, err)
		s.must(both(nil))
		s.equal(s.count("docs"), 1)
		_, err = s.store.Chat().User(s.ctx, "ada")
		s.must(err)
	}},
	{name: "a call through the outer handle is invalid", when: hasTransactions, test: func(s *subject) {
		s.insert("docs", numbered(1, 2)...)
		s.must(s.inside(func(in *subject) error {
			out := &subject{T: s.T, ctx: in.ctx, db: s.db}
			out.kind(errs.Invalid, out.fails(query.From("docs")))
			out.kind(errs.Invalid, out.fails(query.Into("docs").Rows(query.Row{"n": 1})))
			out.kind(errs.Invalid, out.fails(query.Remove("docs").All()))
			return nil
		}))
		s.equal(s.count("docs"), 2)
	}},
	{name: "a panic leaves nothing", when: hasTransactions, test: func(s *subject) {
		s.insert("docs", numbered(1, 2)...)
		func() {
			defer func() {
				if recover() == nil {
					s.Error("the panic was swallowed")
				}
			}()
			_ = s.inside(func(in *subject) error {
				in.do(query.Remove("docs").All())
				panic("no")
			})
		}()
		s.equal(s.count("docs"), 2)
		s.insert("docs", query.Row{"n": 3})
	}},
}
