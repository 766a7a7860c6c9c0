package sqlquery

import (
	"strconv"
	"strings"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/query"
)

// Asked is a statement that answers rows.
type Asked struct {
	SQL     string
	Args    []any
	Columns []Output
}

// Output is how to read a value of an answer.
type Output struct {
	*Column
	Path []string // the place in its JSON that is meant
}

// compiler makes one statement.
type compiler struct {
	d      *Dialect
	tables []*Table
	args   []any
	b      strings.Builder
	err    error
}

// Select makes a statement of a plan, whose tables are as tables says.
func Select(p *query.Plan, tables []*Table, d *Dialect) (*Asked, error) {
	c := &compiler{d: d, tables: tables}
	out := &Asked{Columns: make([]Output, len(p.Columns))}
	c.b.Grow(256)
	c.b.WriteString("SELECT ")
	for i := range p.Columns {
		if i > 0 {
			c.b.WriteByte(',')
		}
		out.Columns[i] = c.output(&p.Columns[i])
	}
	if len(p.Columns) == 0 {
		c.b.WriteByte('1')
	}
	c.from(p)
	c.where(p)
	c.order(p.Order)
	c.limit(p.Limit, p.Offset)
	out.SQL, out.Args = c.b.String(), c.args
	return out, c.failed()
}

func (c *compiler) failed() error {
	if c.err == nil && len(c.args) > c.d.Params {
		return errs.New(errs.TooLarge, "the question has %d values; this database takes %d at once", len(c.args), c.d.Params)
	}
	return c.err
}

// output writes a column of the answer. Where a place in JSON is asked for,
// the whole of it is fetched and the place followed here: only so are numbers
// as they were written.
func (c *compiler) output(r *query.Ref) Output {
	column := c.column(r)
	expr := c.name(r)
	if c.d.Read != nil {
		expr = c.d.Read(expr, column)
	}
	c.b.WriteString(expr)
	return Output{Column: column, Path: r.Path}
}

func (c *compiler) column(r *query.Ref) *Column { return &c.tables[r.Table].Native[r.Column] }

// name is a column as it stands in SQL.
func (c *compiler) name(r *query.Ref) string {
	return alias(r.Table) + "." + c.d.Name(c.column(r).Name)
}

func alias(i int) string { return "t" + strconv.Itoa(i) }

func (c *compiler) table(i int) {
	t := c.tables[i]
	if t.Rows != "" {
		c.b.WriteString("(" + t.Rows + ")")
	} else {
		c.b.WriteString(c.d.Table(t.Name))
	}
	c.b.WriteString(" AS ")
	c.b.WriteString(alias(i))
}

func (c *compiler) from(p *query.Plan) {
	for i := range p.Tables {
		s := &p.Tables[i]
		switch {
		case i == 0:
			c.b.WriteString(" FROM ")
		case s.Left:
			c.b.WriteString(" LEFT JOIN ")
		default:
			c.b.WriteString(" JOIN ")
		}
		c.table(i)
		if i > 0 {
			c.on(i, s)
		}
	}
}

// on joins a table. Rows of others than the owner are not joined at all.
func (c *compiler) on(i int, s *query.Source) {
	var terms []string
	for _, pair := range s.On {
		ordered := !c.both(&pair[0], &pair[1])
		terms = append(terms, c.operand(&pair[0], ordered)+"="+c.operand(&pair[1], ordered))
	}
	if s.Owner != nil {
		terms = append(terms, c.owned(i, *s.Owner))
	}
	if len(terms) == 0 {
		terms = []string{yes}
	}
	c.b.WriteString(" ON ")
	c.b.WriteString(strings.Join(terms, " AND "))
}

// owned is the condition that a row of a source is a user's.
func (c *compiler) owned(i int, owner string) string {
	at := c.tables[i].Index(c.tables[i].Owner)
	if at < 0 {
		return no
	}
	r := query.Ref{Table: i, Column: at, Type: c.tables[i].Columns[at].Type}
	return c.operand(&r, false) + "=" + c.value(owner, r.Type)
}

func (c *compiler) where(p *query.Plan) {
	var terms []string
	if len(p.Tables) > 0 && p.Tables[0].Owner != nil {
		terms = append(terms, c.owned(0, *p.Tables[0].Owner))
	}
	if p.Where.Op != query.And || len(p.Where.Of) > 0 {
		terms = append(terms, c.cond(&p.Where))
	}
	if len(terms) > 0 {
		c.b.WriteString(" WHERE ")
		c.b.WriteString(strings.Join(terms, " AND "))
	}
}

func (c *compiler) order(terms []query.Sort) {
	for i := range terms {
		s := &terms[i]
		if i == 0 {
			c.b.WriteString(" ORDER BY ")
		} else {
			c.b.WriteByte(',')
		}
		nullable := s.Ref.Table > 0 || !c.column(&s.Ref).Required
		c.b.WriteString(c.d.Sort(c.operand(&s.Ref, true), s.Descending, nullable))
	}
}

func (c *compiler) limit(limit, offset int) {
	if limit == 0 && offset == 0 {
		return
	}
	c.b.WriteString(" LIMIT ")
	if limit > 0 {
		c.b.WriteString(c.param(int64(limit), query.Integer))
	} else {
		c.b.WriteString(c.d.All)
	}
	if offset > 0 {
		c.b.WriteString(" OFFSET ")
		c.b.WriteString(c.param(int64(offset), query.Integer))
	}
}

// param binds what is in the driver's form already.
func (c *compiler) param(v any, k query.Kind) string {
	c.args = append(c.args, v)
	return c.d.Param(len(c.args), k)
}

// value binds a value of the port.
func (c *compiler) value(v any, t query.Type) string {
	return c.param(c.d.Bind(v, t), t.Kind)
}
