package state

import (
	"context"
	"iter"
	"slices"
	"strings"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/internal/datum"
	"github.com/varvedb/varve/page"
)

// Query asks for rows. The zero value asks for the first page of all of them,
// in the order in which they first appeared.
type Query struct {
	Where   []Condition // all must hold, for the version that is shown
	Order   []Order
	Deleted bool // deleted rows too, as their tombstones
	page.Request
}

// Bounds of a Query.
const (
	maxWhere = 50
	maxOrder = 10
	maxIn    = 1000
)

// All returns one page of the newest versions of rows. Pages go on from the
// last row of the one before, whatever was written meanwhile.
func (r *Rows) All(ctx context.Context, q Query) (page.Page[Record], error) {
	t, err := r.current(ctx)
	if err != nil {
		return page.Page[Record]{Data: []Record{}}, err
	}
	out, _, err := r.scan(ctx, t, present, q, q.Limit())
	return out, err
}

// Each walks through all rows of a query, page by page; First and Cursor say
// where it begins and nothing else. An error ends it.
func (r *Rows) Each(ctx context.Context, q Query) iter.Seq2[Record, error] {
	return each(q, func(q Query) (page.Page[Record], error) {
		t, err := r.current(ctx)
		if err != nil {
			return page.Page[Record]{}, err
		}
		out, _, err := r.scan(ctx, t, present, q, walk)
		return out, err
	})
}

// walk is how many rows a walk reads at a time.
const walk = 500

func each(q Query, next func(Query) (page.Page[Record], error)) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		for {
			p, err := next(q)
			if err != nil {
				yield(Record{}, err)
				return
			}
			for _, rec := range p.Data {
				if !yield(rec, nil) {
					return
				}
			}
			if !p.Info.HasNextPage {
				return
			}
			q.Cursor = *p.Info.EndCursor
		}
	}
}

// moment is what a listing is of: now, or a position that is found when the
// first page is read. The pages after it go on from the same.
type moment struct {
	name string // in the question that cursors are signed for
	find func(context.Context, *Table) (int64, error)
}

var present = moment{"now", func(context.Context, *Table) (int64, error) { return 0, nil }}

// scan reads one page, and returns the position that it is of.
func (r *Rows) scan(ctx context.Context, t *Table, of moment, q Query, limit int) (out page.Page[Record], at int64, err error) {
	out = page.Page[Record]{Data: []Record{}}
	scan := Scan{Deleted: q.Deleted, Limit: limit + 1}
	if scan.Where, err = t.conditions(q.Where); err != nil {
		return out, 0, err
	}
	if scan.Order, err = t.order(q.Order); err != nil {
		return out, 0, err
	}
	scan.Where = append(scan.Where, r.s.own(t)...)
	question := t.question(of, scan)
	if q.Cursor != "" {
		place, ok := r.s.signer().Open(question, q.Cursor)
		if !ok {
			return out, 0, errCursor
		}
		if scan.At, scan.After, err = t.readPlace(scan.Order, place); err != nil {
			return out, 0, err
		}
	} else if scan.At, err = of.find(ctx, t); err != nil {
		return out, 0, err
	}
	nothing := scan.At == 0 && of.name != present.name // before the first version
	if nothing || slices.ContainsFunc(scan.Where, Condition.never) {
		return out, scan.At, nil
	}
	versions, err := r.s.store.Scan(ctx, t, scan)
	if err != nil {
		return out, 0, err
	}
	return cut(r.s.signer(), t, versions, limit, question, func(v Version) string {
		return t.standing(scan.At, scan.Order, v)
	}), scan.At, nil
}

// own is the condition that a row is the acting user's; none where nobody acts.
func (s *Service) own(t *Table) []Condition {
	owner := t.Index(t.Owner)
	if s.user == nil || owner < 0 {
		return nil
	}
	return []Condition{{Column: t.Columns[owner].Name, Op: Equal, Value: *s.user}}
}

// never tells that no row can satisfy a condition.
func (c Condition) never() bool {
	list, ok := c.Value.([]any)
	return ok && c.Op == In && len(list) == 0
}

// conditions checks conditions and brings their values into the columns' types.
func (t *Table) conditions(given []Condition) ([]Condition, error) {
	if len(given) > maxWhere {
		return nil, errs.Field(errs.TooLarge, "where", "has %d conditions; at most %d", len(given), maxWhere)
	}
	out := make([]Condition, 0, len(given)+1)
	for _, c := range given {
		i, err := t.named(c.Column)
		if err != nil {
			return nil, err
		}
		col := t.Columns[i]
		value, err := t.compared(i, c)
		if err != nil {
			return nil, err
		}
		out = append(out, Condition{Column: col.Name, Op: c.Op, Value: value})
	}
	return out, nil
}

// compared checks what a column is held against, and how.
func (t *Table) compared(i int, c Condition) (any, error) {
	col := t.Columns[i]
	switch c.Op {
	case Equal, NotEqual:
		if col.Type == JSON && datum.Plain(c.Value) != nil {
			break
		}
		return t.value(i, c.Value)
	case Less, LessEqual, Greater, GreaterEqual:
		if !col.Type.ordered() || datum.Plain(c.Value) == nil {
			break
		}
		return t.value(i, c.Value)
	case In:
		if col.Type != JSON {
			return t.oneOf(i, c.Value)
		}
	case Has:
		s, isText := datum.Plain(c.Value).(string)
		if col.Type == JSON && isText {
			return (Column{Name: col.Name, Type: Text}).value(s)
		}
	default:
		return nil, errs.Field(errs.Invalid, col.Name, "%q is no comparison; there are =, !=, <, <=, >, >=, in and has", string(c.Op))
	}
	return nil, errs.Field(errs.Invalid, col.Name, "is of type %s and cannot be compared by %q with %s", col.Type, string(c.Op), shown(c.Value))
}

func (t *Table) oneOf(i int, given any) (any, error) {
	list, ok := given.([]any)
	if !ok {
		return nil, errs.Field(errs.Invalid, t.Columns[i].Name, "compared by \"in\" needs a list, []any")
	}
	if len(list) > maxIn {
		return nil, errs.Field(errs.TooLarge, t.Columns[i].Name, "is compared with %d values; at most %d", len(list), maxIn)
	}
	out := make([]any, len(list))
	for n, v := range list {
		var err error
		if out[n], err = t.value(i, v); err != nil {
			return nil, err
		}
		if out[n] == nil {
			return nil, errs.Field(errs.Invalid, t.Columns[i].Name, "compared by \"in\" takes no NULL; ask for it by \"=\"")
		}
	}
	return out, nil
}

// ordered tells whether databases agree on an order of values.
func (t Type) ordered() bool { return t != JSON && t != Bytes && t != Boolean }

// The columns that Varve keeps and a listing can be ordered by.
var kept = []string{"_seq", "_version", "_at"}

func (t *Table) order(given []Order) ([]Order, error) {
	if len(given) > maxOrder {
		return nil, errs.Field(errs.TooLarge, "order", "has %d terms; at most %d", len(given), maxOrder)
	}
	out := make([]Order, 0, len(given))
	for _, o := range given {
		if !slices.Contains(kept, strings.ToLower(o.Column)) {
			i, err := t.named(o.Column)
			if err != nil {
				return nil, err
			}
			if o.Column = t.Columns[i].Name; !t.Columns[i].Type.ordered() {
				return nil, errs.Field(errs.Invalid, o.Column, "is of type %s, which has no order", t.Columns[i].Type)
			}
		} else {
			o.Column = strings.ToLower(o.Column)
		}
		if slices.ContainsFunc(out, func(have Order) bool { return have.Column == o.Column }) {
			return nil, errs.Field(errs.Invalid, o.Column, "is in the order twice")
		}
		out = append(out, o)
	}
	return out, nil
}
