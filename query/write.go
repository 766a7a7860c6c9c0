package query

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/varvedb/varve/errs"
)

func (s *Service) selects(ctx context.Context, q *Select) (*Result, error) {
	p, columns, err := s.plan(ctx, q)
	if err != nil {
		return nil, err
	}
	r := &Result{Columns: columns}
	r.values = func(yield func([]any, error) bool) {
		plan, begun, failed := p, false, error(nil)
		for range attempts {
			if failed != nil { // the tables are not as they were: look again
				again, now, err := s.plan(ctx, q)
				if err != nil || !sameOutput(now, columns) {
					yield(nil, errors.Join(err, failed))
					return
				}
				plan = again
			}
			failed = nil
			for row, err := range s.store.Select(ctx, plan) {
				if errors.Is(err, errs.Conflict) && !begun {
					failed = err
					break
				}
				if begun = true; !yield(row, err) || err != nil {
					return
				}
			}
			if failed == nil {
				return
			}
		}
		yield(nil, failed)
	}
	return r, nil
}

func sameOutput(a, b []OutputColumn) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].Name != b[i].Name || !a[i].Type.Same(b[i].Type) {
			return false
		}
	}
	return true
}

// writable finds a table that rows are written to.
func (s *Service) writable(ctx context.Context, name string) (*Table, error) {
	t, err := s.table(ctx, name)
	if err != nil {
		return nil, err
	}
	switch {
	case t.Reserved == ChatRoom:
		return nil, errs.Field(errs.Unsupported, "table", "%q is a table of conversations: it is read here and written by the room Chat", t.Name)
	case t.Reserved != "":
		return nil, errs.Field(errs.Unsupported, "table", "%q is a versioned table: it is read here and written by the room State", t.Name)
	case t.Key == "":
		return nil, errs.Field(errs.Unsupported, "table", "%q has no key of one column, so its rows cannot be named; it is only read", t.Name)
	}
	return &t, nil
}

func (s *Service) insert(ctx context.Context, q *Insert) (*Result, error) {
	t, err := s.writable(ctx, q.Into)
	made := false
	if errors.Is(err, errs.NotFound) && !q.Strict && !s.opt.Strict {
		t, made, err = s.infer(ctx, q, err)
	}
	if err != nil {
		return nil, err
	}
	rows, err := s.rows(t, q.Rows)
	if err != nil || len(rows) == 0 {
		return &Result{IDs: []string{}}, err
	}
	r := &Result{}
	if made {
		created, err := s.CreateTable(ctx, *t)
		if errors.Is(err, errs.Exists) { // another was first: its table counts
			return nil, errs.Wrap(errs.Conflict, err, "the table %q was made at the same time", t.Name)
		}
		if err != nil {
			return nil, err
		}
		r.Created = &created
		if rows, err = s.rows(&created, q.Rows); err != nil { // in the order of its columns
			return nil, err
		}
		t = &created
	}
	r.IDs, err = s.store.Insert(ctx, Write{Table: t, Now: s.opt.Now(), Quiet: q.NoRefresh}, rows)
	if err != nil {
		return nil, err
	}
	return r, nil
}

// infer is the table to make for the rows of an insert.
func (s *Service) infer(ctx context.Context, q *Insert, missing error) (*Table, bool, error) {
	tables, err := s.store.Tables(ctx)
	if err != nil {
		return nil, false, err
	}
	for _, t := range tables {
		if t.Name == q.Into {
			return nil, false, errs.New(errs.Conflict, "the table %q was made at the same time", t.Name)
		}
		if strings.EqualFold(t.Name, q.Into) {
			return nil, false, missing // which names the other
		}
	}
	t, err := inferSchema(q.Into, q.Rows, q.Types)
	if err == nil {
		err = s.free(ctx, t.Name)
	}
	return &t, true, err
}

func (s *Service) update(ctx context.Context, q *Update) (*Result, error) {
	t, err := s.writable(ctx, q.Table)
	if err != nil {
		return nil, err
	}
	where, err := s.affected(t, q.Where, q.All)
	if err != nil {
		return nil, err
	}
	if len(q.Set) == 0 {
		return nil, errs.Field(errs.Invalid, "set", "names no column")
	}
	if name, unknown := t.unknown(q.Set); unknown {
		return nil, errs.Field(errs.Invalid, "set."+name, "the table %q has no such column%s", t.Name, suggestion(name, t.names()))
	}
	var set []Assign
	for i, c := range t.Columns {
		given, ok := q.Set[c.Name]
		if !ok {
			continue
		}
		if c.Name == t.Key {
			return nil, errs.Field(errs.Invalid, "set."+c.Name, "is the key of %q, which does not change; insert a new row", t.Name)
		}
		v, err := c.value(given)
		if err != nil {
			return nil, located("set."+c.Name, err)
		}
		set = append(set, Assign{Column: i, Value: v})
	}
	ids, err := s.store.Update(ctx, Write{Table: t, Now: s.opt.Now(), Quiet: q.NoRefresh}, set, where)
	return written(ids, err)
}

func (s *Service) remove(ctx context.Context, q *Delete) (*Result, error) {
	t, err := s.writable(ctx, q.From)
	if err != nil {
		return nil, err
	}
	where, err := s.affected(t, q.Where, q.All)
	if err != nil {
		return nil, err
	}
	ids, err := s.store.Delete(ctx, Write{Table: t, Now: s.opt.Now(), Quiet: q.NoRefresh}, where)
	return written(ids, err)
}

func written(ids []string, err error) (*Result, error) {
	if err != nil {
		return nil, err
	}
	if ids == nil {
		ids = []string{}
	}
	return &Result{IDs: ids}, nil
}

// affected resolves which rows a change is about. Every row must be meant in
// so many words.
func (s *Service) affected(t *Table, where *Expr, all bool) (Cond, error) {
	if (where == nil) != all {
		return Cond{}, errs.Field(errs.Invalid, "where", "is one condition, or \"all\" says that every row of %q is meant", t.Name)
	}
	r := &resolver{}
	if err := r.add(t.Name, Source{Table: t}); err != nil {
		return Cond{}, err
	}
	return r.where(where)
}

func (s *Service) raw(ctx context.Context, q *Raw) (*Result, error) {
	if s.user != nil {
		return nil, errs.New(errs.Forbidden, "a question in the database's own language sees everything; a caller that acts for a user may not ask it")
	}
	args := make([]any, len(q.Args))
	for i, given := range q.Args {
		t, _ := InferType(given)
		if t.Kind == "" {
			continue
		}
		v, err := t.Value(given)
		if err != nil {
			return nil, located(fmt.Sprintf("args[%d]", i), err)
		}
		switch v := v.(type) {
		case json.RawMessage:
			args[i] = string(v)
		case []float32:
			return nil, errs.Field(errs.Invalid, fmt.Sprintf("args[%d]", i), "is a vector, which has no form that every database knows")
		default:
			args[i] = v
		}
	}
	a, err := s.store.Raw(ctx, Raw{SQL: q.SQL, Args: args}, s.opt.RawWrite)
	if err != nil {
		return nil, err
	}
	r := &Result{values: a.Rows}
	for _, name := range a.Columns {
		r.Columns = append(r.Columns, OutputColumn{Name: name})
	}
	return r, nil
}
