package query

import (
	"slices"

	"github.com/varvedb/varve/internal/datum"
)

// Col is a column's name where a value could stand: Eq("a", Col("b")) compares
// two columns.
type Col string

func compareWith(column string, op Op, v any) Expr {
	if other, ok := v.(Col); ok {
		return Expr{Op: op, Column: column, Other: string(other)}
	}
	return Expr{Op: op, Column: column, Value: v}
}

// Eq is true where a column equals a value, or is NULL where the value is nil.
func Eq(column string, v any) Expr {
	if datum.Plain(v) == nil {
		return IsNull(column)
	}
	return compareWith(column, Equal, v)
}

// Ne is true where a column has another value; NULL has none. See [Differs].
func Ne(column string, v any) Expr {
	if datum.Plain(v) == nil {
		return NotNull(column)
	}
	return compareWith(column, NotEqual, v)
}

// Lt is true where a column is less than a value.
func Lt(column string, v any) Expr { return compareWith(column, Less, v) }

// Le is true where a column is not greater than a value.
func Le(column string, v any) Expr { return compareWith(column, LessEqual, v) }

// Gt is true where a column is greater than a value.
func Gt(column string, v any) Expr { return compareWith(column, Greater, v) }

// Ge is true where a column is not less than a value.
func Ge(column string, v any) Expr { return compareWith(column, GreaterEqual, v) }

// OneOf is true where a column equals one of some values; of none it is false.
func OneOf[T any](column string, values ...T) Expr {
	list := make([]any, len(values))
	for i, v := range values {
		list[i] = v
	}
	return Expr{Op: In, Column: column, Value: list}
}

// Matching is true where a text is like a pattern: % stands for any text, _ for
// one character, \ before one takes it as it is. Case counts.
func Matching(column, pattern string) Expr {
	return Expr{Op: Matches, Column: column, Value: pattern}
}

// Containing is true where a list in JSON has a value, or a text has a text in
// it.
func Containing(column string, v any) Expr { return Expr{Op: Contains, Column: column, Value: v} }

// IsNull is true where a column has no value.
func IsNull(column string) Expr { return Expr{Op: Is, Column: column} }

// NotNull is true where a column has a value.
func NotNull(column string) Expr { return Expr{Op: IsNot, Column: column} }

// Differs is true where a column does not equal a value: NULL differs from
// every one.
func Differs(column string, v any) Expr { return compareWith(column, IsNot, v) }

// All is true where all conditions are; of none it is true.
func All(of ...Expr) Expr { return Expr{Op: And, Of: slices.Clone(of)} }

// Any is true where one of the conditions is; of none it is false.
func Any(of ...Expr) Expr { return Expr{Op: Or, Of: slices.Clone(of)} }

// Negate is true where a condition is false. Where it is NULL, as a comparison
// with NULL is, so is this.
func Negate(e Expr) Expr { return Expr{Op: Not, Of: []Expr{e}} }

// and adds conditions to what a question has already.
func and(where *Expr, more []Expr) *Expr {
	of := slices.Clone(more)
	if where != nil {
		of = append([]Expr{*where}, more...)
		if where.Op == And {
			of = slices.Concat(where.Of, more)
		}
	}
	if len(of) == 1 {
		return &of[0]
	}
	return &Expr{Op: And, Of: of}
}

// Selection builds a select. It is a value: each method returns another and
// leaves it as it is.
type Selection struct{ q Select }

// From asks for the rows of a table.
func From(table string) Selection { return Selection{Select{From: table}} }

// Query implements Question.
func (s Selection) Query() Query { q := s.q; return Query{Select: &q} }

// As gives the table a name that stands before its columns.
func (s Selection) As(name string) Selection { s.q.As = name; return s }

// Select names columns to return, beside those that it named before.
func (s Selection) Select(columns ...string) Selection {
	s.q.Columns = slices.Clone(s.q.Columns)
	for _, c := range columns {
		s.q.Columns = append(s.q.Columns, Output{Column: c})
	}
	return s
}

// SelectAs names a column to return under another name.
func (s Selection) SelectAs(column, name string) Selection {
	s.q.Columns = append(slices.Clone(s.q.Columns), Output{Column: column, As: name})
	return s
}

// Where adds conditions that must all hold.
func (s Selection) Where(of ...Expr) Selection { s.q.Where = and(s.q.Where, of); return s }

// Join adds the columns of a table, of rows where column of a table before
// equals other of this one. Rows without a partner are left out.
func (s Selection) Join(table, column, other string) Selection {
	return s.With(Join{Table: table, On: [][2]string{{column, other}}})
}

// LeftJoin is Join that keeps rows without a partner, with NULL for its
// columns.
func (s Selection) LeftJoin(table, column, other string) Selection {
	return s.With(Join{Table: table, Left: true, On: [][2]string{{column, other}}})
}

// With adds a join in every detail.
func (s Selection) With(j Join) Selection {
	j.On = slices.Clone(j.On)
	s.q.Join = append(slices.Clone(s.q.Join), j)
	return s
}

// OrderBy adds terms to the order, with "-" before a name when descending.
func (s Selection) OrderBy(columns ...string) Selection {
	s.q.Order = slices.Clone(s.q.Order)
	for _, c := range columns {
		o := Order{Column: c}
		if len(c) > 1 && c[0] == '-' {
			o = Order{Column: c[1:], Descending: true}
		}
		s.q.Order = append(s.q.Order, o)
	}
	return s
}

// Limit returns at most so many rows; 0: all.
func (s Selection) Limit(n int) Selection { s.q.Limit = n; return s }

// Offset leaves out the first rows.
func (s Selection) Offset(n int) Selection { s.q.Offset = n; return s }

// Insertion builds an insert; see [Selection].
type Insertion struct{ q Insert }

// Into adds rows to a table.
func Into(table string) Insertion { return Insertion{Insert{Into: table}} }

// Query implements Question.
func (i Insertion) Query() Query { q := i.q; return Query{Insert: &q} }

// Rows adds rows.
func (i Insertion) Rows(rows ...Row) Insertion {
	i.q.Rows = slices.Concat(i.q.Rows, rows)
	return i
}

// Strict makes a table that is not there an error.
func (i Insertion) Strict() Insertion { i.q.Strict = true; return i }

// NoRefresh leaves no note of it: listeners are not told.
func (i Insertion) NoRefresh() Insertion { i.q.NoRefresh = true; return i }

// Alteration builds an update; see [Selection].
type Alteration struct{ q Update }

// Change changes rows of a table.
func Change(table string) Alteration { return Alteration{Update{Table: table}} }

// Query implements Question.
func (a Alteration) Query() Query { q := a.q; return Query{Update: &q} }

// Set gives a column a value.
func (a Alteration) Set(column string, v any) Alteration {
	set := make(Row, len(a.q.Set)+1)
	for name, v := range a.q.Set {
		set[name] = v
	}
	set[column] = v
	a.q.Set = set
	return a
}

// Where adds conditions that must all hold.
func (a Alteration) Where(of ...Expr) Alteration { a.q.Where = and(a.q.Where, of); return a }

// All means every row.
func (a Alteration) All() Alteration { a.q.All = true; return a }

// NoRefresh leaves no note of it: listeners are not told.
func (a Alteration) NoRefresh() Alteration { a.q.NoRefresh = true; return a }

// Deletion builds a delete; see [Selection].
type Deletion struct{ q Delete }

// Remove removes rows of a table.
func Remove(table string) Deletion { return Deletion{Delete{From: table}} }

// Query implements Question.
func (d Deletion) Query() Query { q := d.q; return Query{Delete: &q} }

// Where adds conditions that must all hold.
func (d Deletion) Where(of ...Expr) Deletion { d.q.Where = and(d.q.Where, of); return d }

// All means every row.
func (d Deletion) All() Deletion { d.q.All = true; return d }

// NoRefresh leaves no note of it: listeners are not told.
func (d Deletion) NoRefresh() Deletion { d.q.NoRefresh = true; return d }

// SQL asks in the database's own language.
func SQL(statement string, args ...any) Query { return Query{Raw: &Raw{SQL: statement, Args: args}} }
