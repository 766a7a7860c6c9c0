package sqlquery

import (
	"strings"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/query"
)

// What is true and false in every dialect.
const (
	yes = "1=1"
	no  = "1=0"
)

// cond is a condition as it stands in SQL, in brackets where it needs them.
func (c *compiler) cond(e *query.Cond) string {
	switch e.Op {
	case query.And:
		return c.all(e.Of, " AND ", yes)
	case query.Or:
		return c.all(e.Of, " OR ", no)
	case query.Not:
		if len(e.Of) == 0 {
			return yes
		}
		return "(NOT " + c.cond(&e.Of[0]) + ")"
	case query.In:
		return c.among(e)
	case query.Is, query.IsNot:
		return c.is(e)
	case query.Matches:
		return c.matches(e)
	case query.Contains:
		return c.contains(e)
	case query.Equal, query.Less, query.LessEqual, query.Greater, query.GreaterEqual:
		return "(" + c.operand(&e.Ref) + string(e.Op) + c.against(e) + ")"
	case query.NotEqual:
		return "(" + c.operand(&e.Ref) + "<>" + c.against(e) + ")"
	}
	c.fail(errs.Field(errs.Invalid, "where", "%q is no operation", e.Op))
	return no
}

func (c *compiler) fail(err error) {
	if c.err == nil {
		c.err = err
	}
}

func (c *compiler) all(of []query.Cond, word, none string) string {
	if len(of) == 0 {
		return none
	}
	terms := make([]string, len(of))
	for i := range of {
		terms[i] = c.cond(&of[i])
	}
	return "(" + strings.Join(terms, word) + ")"
}

// operand is a column, or a place in its JSON, as it is compared.
func (c *compiler) operand(r *query.Ref) string {
	expr, column := c.name(r), c.column(r)
	if len(r.Path) > 0 {
		return c.d.At(expr, r.Path, r.Type.Kind, c.param)
	}
	if c.d.Compare != nil {
		return c.d.Compare(expr, column)
	}
	return expr
}

// against is what the operand is compared with.
func (c *compiler) against(e *query.Cond) string {
	if e.Other != nil {
		return c.operand(e.Other)
	}
	return c.value(e.Value, e.Ref.Type)
}

func (c *compiler) is(e *query.Cond) string {
	if e.Value == nil && e.Other == nil {
		expr := c.name(&e.Ref)
		if len(e.Ref.Path) > 0 {
			expr = c.operand(&e.Ref)
		}
		if e.Op == query.Is {
			return "(" + expr + " IS NULL)"
		}
		return "(" + expr + " IS NOT NULL)"
	}
	same := "(" + c.d.Same(c.operand(&e.Ref), c.against(e)) + ")"
	if e.Op == query.Is {
		return same
	}
	return "(NOT " + same + ")"
}

func (c *compiler) among(e *query.Cond) string {
	values, _ := e.Value.([]any)
	if len(values) == 0 {
		return no
	}
	expr := c.operand(&e.Ref)
	bound := make([]any, len(values))
	for i, v := range values {
		bound[i] = c.d.Bind(v, e.Ref.Type)
	}
	if c.d.Among != nil {
		if sql := c.d.Among(expr, bound, e.Ref.Type, c.param); sql != "" {
			return sql
		}
	}
	var b strings.Builder
	b.WriteString("(" + expr + " IN (")
	for i, v := range bound {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(c.param(v, e.Ref.Type.Kind))
	}
	b.WriteString("))")
	return b.String()
}

// matches also says between what the texts lie that begin as the pattern does,
// since that is what an index can answer.
func (c *compiler) matches(e *query.Cond) string {
	expr := c.operand(&e.Ref)
	sql := c.d.Matches(expr, c.against(e))
	pattern, ok := e.Value.(string)
	if from, to := bounds(pattern); ok && from != "" && len(e.Ref.Path) == 0 {
		sql = expr + ">=" + c.value(from, e.Ref.Type) + " AND " + expr + "<" + c.value(to, e.Ref.Type) + " AND " + sql
	}
	return "(" + sql + ")"
}

// bounds are the least text that begins as a pattern does and the least that
// is greater than all of those; "" where the pattern does not say.
func bounds(pattern string) (from, to string) {
	end := strings.IndexAny(pattern, `%_\`)
	if end < 0 {
		end = len(pattern)
	}
	for i := range end {
		if pattern[i] >= 0x7f {
			end = i
			break
		}
	}
	if end == 0 {
		return "", ""
	}
	from = pattern[:end]
	return from, from[:end-1] + string(from[end-1]+1)
}

func (c *compiler) contains(e *query.Cond) string {
	expr := c.operand(&e.Ref)
	if e.Ref.Type.Kind == query.JSON && e.Other == nil {
		return "(" + c.d.Has(expr, e.Value, c.param) + ")"
	}
	return "(" + c.d.Holds(expr, c.against(e)) + ")"
}
