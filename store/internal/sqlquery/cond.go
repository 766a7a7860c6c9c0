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
	case query.Equal:
		return c.equal(e)
	case query.NotEqual:
		return c.compared(e, "<>", false)
	case query.Less, query.LessEqual, query.Greater, query.GreaterEqual:
		return c.compared(e, string(e.Op), true)
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

// operand is a column, or a place in its JSON, as it is compared; ordered: not
// only for equality with a value.
func (c *compiler) operand(r *query.Ref, ordered bool) string {
	expr := c.d.Compare(c.name(r), c.column(r), ordered)
	if len(r.Path) > 0 {
		return c.d.At(expr, r.Path, r.Type.Kind, c.param)
	}
	return expr
}

// both tells whether two columns can be held against each other as they are.
func (c *compiler) both(a, b *query.Ref) bool { return c.column(a).Own && c.column(b).Own }

func (c *compiler) compared(e *query.Cond, op string, ordered bool) string {
	if e.Other != nil {
		ordered = ordered || !c.both(&e.Ref, e.Other)
		return "(" + c.operand(&e.Ref, ordered) + op + c.operand(e.Other, ordered) + ")"
	}
	return "(" + c.operand(&e.Ref, ordered) + op + c.value(e.Value, e.Ref.Type) + ")"
}

func (c *compiler) equal(e *query.Cond) string {
	if c.d.Equal != nil && e.Other == nil && len(e.Ref.Path) == 0 {
		if sql := c.d.Equal(c.name(&e.Ref), c.column(&e.Ref), c.d.Bind(e.Value, e.Ref.Type), c.param); sql != "" {
			return "(" + sql + ")"
		}
	}
	return c.compared(e, "=", false)
}

// against is what an operand is held against that is not simply compared.
func (c *compiler) against(e *query.Cond) string {
	if e.Other != nil {
		return c.operand(e.Other, true)
	}
	return c.value(e.Value, e.Ref.Type)
}

func (c *compiler) is(e *query.Cond) string {
	if e.Value == nil && e.Other == nil {
		expr := c.name(&e.Ref)
		if len(e.Ref.Path) > 0 {
			expr = c.operand(&e.Ref, false)
		}
		if e.Op == query.Is {
			return "(" + expr + " IS NULL)"
		}
		return "(" + expr + " IS NOT NULL)"
	}
	same := "(" + c.d.Same(c.operand(&e.Ref, e.Other != nil), c.against(e)) + ")"
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
	expr := c.operand(&e.Ref, false)
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
	expr := c.operand(&e.Ref, true)
	pattern, ok := e.Value.(string)
	if !ok || e.Other != nil {
		c.fail(errs.Field(errs.Invalid, "where", "a pattern is a text"))
		return no
	}
	sql := c.d.Matches(expr, c.value(Pattern(pattern), e.Ref.Type))
	if from, to := bounds(pattern); from != "" && len(e.Ref.Path) == 0 {
		sql = expr + ">=" + c.value(from, e.Ref.Type) + " AND " + expr + "<" + c.value(to, e.Ref.Type) + " AND " + sql
	}
	return "(" + sql + ")"
}

// Pattern writes \ twice where it stands for itself, as engines want it that
// take it before any character.
func Pattern(p string) string {
	if !strings.Contains(p, `\`) {
		return p
	}
	var b strings.Builder
	for i := 0; i < len(p); i++ {
		b.WriteByte(p[i])
		if p[i] != '\\' {
			continue
		}
		if i+1 < len(p) && strings.IndexByte(`%_\`, p[i+1]) >= 0 {
			i++
			b.WriteByte(p[i])
		} else {
			b.WriteByte('\\')
		}
	}
	return b.String()
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
	expr := c.operand(&e.Ref, true)
	if e.Ref.Type.Kind == query.JSON && e.Other == nil {
		return "(" + c.d.Has(expr, e.Value, c.param) + ")"
	}
	return "(" + c.d.Holds(expr, c.against(e)) + ")"
}
