package sqlcore

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/state"
)

// maxAmong is far below the number of parameters that any engine takes.
const maxAmong = 10_000

// scan builds one question about the rows of a table.
type scan struct {
	*Versions
	q    *state.Scan
	args []any
}

// Scan is the question for rows, and its arguments.
func (v *Versions) Scan(q *state.Scan) (sql string, args []any, err error) {
	s := &scan{Versions: v, q: q}
	var where []string
	if q.At == 0 {
		where = append(where, "l._seq=e._seq")
	} else {
		// A row is as old as its number, and most are older than the question.
		at := s.param(q.At)
		where = append(where, "e._eid<="+at, `l._seq=CASE WHEN e._seq<=`+at+` THEN e._seq ELSE (SELECT o._seq FROM `+v.log+
			` o WHERE o._eid=e._eid AND o._seq<=`+at+` ORDER BY o._version DESC LIMIT 1) END`)
	}
	switch {
	case q.Deleted:
	case q.At == 0:
		where = append(where, "e._deleted="+v.d.False)
	default:
		where = append(where, "l._op<>'"+string(state.OpDelete)+"'")
	}
	for _, c := range q.Where {
		sql, err := s.condition(c)
		if err != nil {
			return "", nil, err
		}
		where = append(where, sql)
	}
	terms, err := s.order()
	if err != nil {
		return "", nil, err
	}
	if q.After != nil {
		behind, err := s.behind(terms)
		if err != nil {
			return "", nil, err
		}
		where = append(where, behind)
	}
	sql = "SELECT " + v.fields + " FROM " + v.entity + " e CROSS JOIN " + v.log + " l WHERE " + strings.Join(where, " AND ") + " ORDER BY "
	for _, t := range terms {
		sql += t.expr + t.direction() + ","
	}
	return sql + "e._eid LIMIT " + s.param(int64(q.Limit)), s.args, nil
}

func (s *scan) param(v any) string {
	s.args = append(s.args, Bind(v))
	return s.d.Param(len(s.args))
}

// column is the expression of a column, one that has an order. Whose a row is
// now stands in its head too, where there is an index.
func (s *scan) column(name string) (string, error) {
	i := s.Table.Index(name)
	if i < 0 {
		return "", errs.Field(errs.Invalid, name, "the table %q has no such column", s.Table.Name)
	}
	if s.q.At == 0 && i == s.Table.Index(s.Table.Owner) {
		return "e._owner", nil
	}
	return s.d.Compare(s.value(i, "l"), s.Table.Columns[i].Type), nil
}

var compares = map[state.CompareOp]string{state.Equal: "=", state.Less: "<", state.LessEqual: "<=", state.Greater: ">", state.GreaterEqual: ">="}

const never = "1=0"

func (s *scan) condition(c state.Condition) (string, error) {
	expr, err := s.column(c.Column)
	if err != nil {
		return "", err
	}
	switch c.Op {
	case state.Equal:
		return s.equal(expr, c.Value), nil
	case state.NotEqual:
		if c.Value == nil {
			return expr + " IS NOT NULL", nil
		}
		return "(" + expr + "<>" + s.param(c.Value) + " OR " + expr + " IS NULL)", nil
	case state.In:
		return s.among(expr, c)
	case state.Has:
		i := s.Table.Index(c.Column)
		if s.Table.Columns[i].Type != state.JSON {
			return "", errs.Field(errs.Invalid, c.Column, "is no list: it is of type %s", s.Table.Columns[i].Type)
		}
		return s.d.Has(s.value(i, "l"), s.param(c.Value)), nil
	}
	sign, ok := compares[c.Op]
	if !ok {
		return "", errs.Field(errs.Invalid, c.Column, "there is no comparison %q", c.Op)
	}
	if c.Value == nil {
		return never, nil
	}
	return expr + sign + s.param(c.Value), nil
}

func (s *scan) equal(expr string, value any) string {
	if value == nil {
		return expr + " IS NULL"
	}
	return expr + "=" + s.param(value)
}

func (s *scan) among(expr string, c state.Condition) (string, error) {
	values, ok := c.Value.([]any)
	if !ok {
		return "", errs.Field(errs.Invalid, c.Column, "is to be in a list of values")
	}
	if len(values) > maxAmong {
		return "", errs.Field(errs.TooLarge, c.Column, "is to be among %d values; %d are the most", len(values), maxAmong)
	}
	var params, either []string
	null := false
	for _, v := range values {
		if v == nil {
			null = true
			continue
		}
		params = append(params, s.param(v))
	}
	if len(params) > 0 {
		either = append(either, expr+" IN ("+strings.Join(params, ",")+")")
	}
	if null {
		either = append(either, expr+" IS NULL")
	}
	if len(either) == 0 {
		return never, nil
	}
	return "(" + strings.Join(either, " OR ") + ")", nil
}

// term is one term of an order.
type term struct {
	expr       string
	descending bool
	never      bool // it is never NULL
}

// direction says where NULL stands, which engines see differently.
func (t term) direction() string {
	switch {
	case t.never && t.descending:
		return " DESC"
	case t.never:
		return ""
	case t.descending:
		return " DESC NULLS FIRST"
	}
	return " NULLS LAST"
}

func (s *scan) order() ([]term, error) {
	var terms []term
	for _, o := range s.q.Order {
		t := term{descending: o.Descending}
		switch o.Column {
		case "_seq", "_version", "_at":
			t.expr, t.never = "l."+o.Column, true
		default:
			var err error
			if t.expr, err = s.column(o.Column); err != nil {
				return nil, err
			}
		}
		terms = append(terms, t)
	}
	return terms, nil
}

// behind is the condition that a row comes after a place in the order: by its
// first term, or where that is the same by the second, and so on.
func (s *scan) behind(terms []term) (string, error) {
	if len(s.q.After) != len(terms)+1 {
		return "", errs.Field(errs.Invalid, "after", "has %d values for an order of %d terms and the number of the row", len(s.q.After), len(terms))
	}
	sql := "e._eid>" + s.param(s.q.After[len(terms)])
	for i := len(terms) - 1; i >= 0; i-- {
		t, value := terms[i], s.q.After[i]
		sql = "(" + s.equal(t.expr, value) + " AND " + sql + ")"
		if after := s.after(t, value); after != "" {
			sql = "(" + after + " OR " + sql + ")"
		}
	}
	return sql, nil
}

// after is the condition that a term is past a value; "" when nothing is,
// since NULL comes after everything else.
func (s *scan) after(t term, value any) string {
	switch {
	case value == nil && t.descending:
		return t.expr + " IS NOT NULL"
	case value == nil:
		return ""
	case t.descending:
		return t.expr + "<" + s.param(value)
	case t.never:
		return t.expr + ">" + s.param(value)
	}
	return "(" + t.expr + ">" + s.param(value) + " OR " + t.expr + " IS NULL)"
}

// Bind is a value in the form in which it is stored.
func Bind(v any) any {
	switch v := v.(type) {
	case time.Time:
		return v.UnixMicro()
	case json.RawMessage:
		return string(v)
	}
	return v
}
