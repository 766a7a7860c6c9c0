package query

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/varvedb/varve/errs"
)

// Parse reads the text form, whose grammar stands in docs/query.md:
//
//	docs where y = 1 and n > 5 order by n desc limit 10 select n, y
//	docs join authors on author = authors.id where authors.name like 'A%'
//	insert into docs {"n": 1}, {"n": 2}
//	update docs set y = 0 where n = 1
//	delete from docs where id = 'a'
//	sql select count(*) from docs
//
// It is as strict as the JSON form and says the same. An error is errs.Invalid
// and tells the place.
func Parse(text string) (Query, error) {
	p := &parser{lexer: newLexer(text)}
	q := p.query()
	if p.next.kind != tokenEnd || p.lexer.err != nil {
		p.fail(p.next.at, "here the question should end")
	}
	if p.err != nil {
		return Query{}, p.err
	}
	if err := q.check(); err != nil {
		return Query{}, errs.Field(errs.Invalid, "query", "%s", err)
	}
	return q, nil
}

// parser reads by recursive descent. After an error it reads on without
// meaning: the first error counts.
type parser struct {
	*lexer
	depth int
	err   error // the first
}

func (p *parser) failed() bool { return p.err != nil }

func (p *parser) fail(at int, format string, args ...any) {
	switch {
	case p.err != nil:
	case p.lexer.err != nil:
		p.err = p.lexer.err
	default:
		p.err = placed(p.text, at, format, args...)
	}
}

// word takes a keyword if it is next.
func (p *parser) word(w string) bool { return p.take(tokenWord, w) }

func (p *parser) sign(s string) bool { return p.take(tokenSign, s) }

func (p *parser) take(kind tokenKind, text string) bool {
	if p.failed() || p.next.kind != kind || p.next.text != text {
		return false
	}
	p.advance()
	return true
}

func (p *parser) want(taken bool, what string) {
	if !taken {
		p.fail(p.next.at, "here %s is wanted", what)
	}
}

// name takes a name.
func (p *parser) name(what string) string {
	switch p.next.kind {
	case tokenName:
		return p.advance().text
	case tokenWord:
		p.fail(p.next.at, "here %s is wanted; a name that is a word of the language is written in double quotes", what)
	}
	p.fail(p.next.at, "here %s is wanted", what)
	return ""
}

func (p *parser) query() Query {
	switch {
	case p.word("insert"):
		return Query{Insert: p.insert()}
	case p.word("update"):
		return Query{Update: p.update()}
	case p.word("delete"):
		p.want(p.word("from"), "from")
		d := &Delete{From: p.name("the name of a table")}
		d.Where, d.All, d.NoRefresh = p.affected()
		return Query{Delete: d}
	case p.next.kind == tokenWord && p.next.text == "sql":
		return Query{Raw: p.raw()}
	case p.word("predict"):
		m := &Predict{Model: p.name("the name of a model")}
		m.Input = p.document()
		return Query{Predict: m}
	}
	return Query{Select: p.selection()}
}

// raw takes the rest as it is.
func (p *parser) raw() *Raw {
	sql := strings.TrimSpace(p.text[p.next.end:])
	p.next = token{kind: tokenEnd, at: len(p.text), end: len(p.text)}
	if sql == "" {
		p.fail(p.next.end, "here a statement in the database's own language is wanted")
	}
	return &Raw{SQL: sql}
}

func (p *parser) document() json.RawMessage {
	if p.failed() {
		return nil
	}
	raw, err := p.json()
	p.err = err
	return raw
}

func (p *parser) insert() *Insert {
	p.want(p.word("into"), "into")
	i := &Insert{Into: p.name("the name of a table")}
	for more := true; more; more = p.sign(",") {
		at := p.next.at
		raw := p.document()
		if p.failed() {
			return i
		}
		var row Row
		if err := row.decode(raw, ""); err != nil {
			p.fail(at, "%s", err)
		}
		i.Rows = append(i.Rows, row)
	}
	if p.word("typed") {
		i.Types = p.types()
	}
	i.Strict = p.word("strict")
	i.NoRefresh = p.word("quietly")
	return i
}

// types are names with the types of their columns.
func (p *parser) types() map[string]Type {
	out := map[string]Type{}
	for more := true; more && !p.failed(); more = p.sign(",") {
		at := p.next.at
		name := p.name("the name of a column")
		if _, twice := out[name]; twice {
			p.fail(at, "%s is typed twice", quote(name))
		}
		if p.failed() {
			break
		}
		out[name], p.err = p.typ()
	}
	return out
}

func (p *parser) update() *Update {
	u := &Update{Table: p.name("the name of a table"), Set: Row{}}
	p.want(p.word("set"), "set")
	for {
		at := p.next.at
		name := p.name("the name of a column")
		if _, twice := u.Set[name]; twice {
			p.fail(at, "%s is set twice", quote(name))
		}
		p.want(p.sign("="), "=")
		u.Set[name] = p.assigned()
		if !p.sign(",") {
			break
		}
	}
	u.Where, u.All, u.NoRefresh = p.affected()
	return u
}

// assigned is a value, or JSON.
func (p *parser) assigned() any {
	if p.next.kind == tokenSign && (p.next.text == "{" || p.next.text == "[") {
		return p.document()
	}
	if p.word("null") {
		return nil
	}
	return p.value()
}

// affected says which rows a change is about.
func (p *parser) affected() (where *Expr, all, quietly bool) {
	if p.word("where") {
		e := p.or()
		where = &e
	} else {
		p.want(p.word("all"), "where and a condition, or all for every row,")
		all = true
	}
	return where, all, p.word("quietly")
}

func (p *parser) selection() *Select {
	s := &Select{}
	if p.word("select") {
		s.Columns = p.outputs()
		p.want(p.word("from"), "from")
	} else {
		p.word("from")
	}
	s.From, s.As = p.source()
	for !p.failed() && p.next.kind == tokenWord && (p.next.text == "join" || p.next.text == "left") {
		s.Join = append(s.Join, p.join())
	}
	seen := map[string]bool{}
	for !p.failed() && p.next.kind == tokenWord {
		clause := p.next
		if p.clause(s); seen[clause.text] {
			p.fail(clause.at, "%s is said twice", clause.text)
		}
		seen[clause.text] = true
	}
	return s
}

func (p *parser) source() (name, as string) {
	name = p.name("the name of a table")
	if p.word("as") {
		as = p.name("another name")
	}
	return name, as
}

func (p *parser) join() Join {
	j := Join{Left: p.word("left")}
	p.want(p.word("join"), "join")
	j.Table, j.As = p.source()
	p.want(p.word("on"), "on")
	for more := true; more; more = p.word("and") {
		a := p.name("a column")
		p.want(p.sign("="), "=")
		j.On = append(j.On, [2]string{a, p.name("a column")})
	}
	return j
}

func (p *parser) clause(s *Select) {
	at := p.next.at
	switch {
	case p.word("where"):
		e := p.or()
		s.Where = &e
	case p.word("order"):
		p.want(p.word("by"), "by")
		for more := true; more; more = p.sign(",") {
			o := Order{Column: p.name("a column")}
			if o.Descending = p.word("desc"); !o.Descending {
				p.word("asc")
			}
			s.Order = append(s.Order, o)
		}
	case p.word("limit"):
		s.Limit = p.whole()
	case p.word("offset"):
		s.Offset = p.whole()
	case p.word("select"):
		if s.Columns != nil {
			p.fail(at, "select is said twice")
		}
		s.Columns = p.outputs()
	case p.word("outputs"):
		for more := true; more; more = p.sign(",") {
			s.Outputs = append(s.Outputs, p.name("the name of a listener"))
		}
		s.Required = p.word("required")
	case p.word("like"):
		s.Like = p.like()
	default:
		p.fail(p.next.at, "here the question should end, or go on with where, order by, limit, offset, select, outputs or like")
	}
}

func (p *parser) outputs() []Output {
	var out []Output
	for more := true; more; more = p.sign(",") {
		if p.sign("*") {
			out = append(out, Output{Column: "*"})
			continue
		}
		o := Output{Column: p.name("a column")}
		if p.word("as") {
			o.As = p.name("another name")
		}
		out = append(out, o)
	}
	return out
}

func (p *parser) like() *Like {
	l := &Like{Document: p.document()}
	p.want(p.word("in"), "in and the name of a vector index")
	l.Index = p.name("the name of a vector index")
	if p.word("nearest") {
		l.N = p.whole()
	}
	l.First = p.word("first")
	l.Native = p.word("native")
	return l
}

func (p *parser) whole() int {
	t := p.next
	n, err := strconv.ParseInt(t.text, 10, 32)
	if t.kind != tokenNumber || err != nil || n < 0 {
		p.fail(t.at, "here a whole number from 0 is wanted")
		return 0
	}
	p.advance()
	return int(n)
}

func (p *parser) or() Expr { return p.several(Or, "or", p.and) }

func (p *parser) and() Expr { return p.several(And, "and", p.not) }

func (p *parser) several(op Op, word string, one func() Expr) Expr {
	of := []Expr{one()}
	for p.word(word) {
		of = append(of, one())
	}
	if len(of) == 1 {
		return of[0]
	}
	return Expr{Op: op, Of: of}
}

func (p *parser) not() Expr {
	if p.depth++; p.depth > maxDepthOfWhere {
		p.err = errs.Field(errs.TooLarge, "query", "nests deeper than %d", maxDepthOfWhere)
	}
	defer func() { p.depth-- }()
	switch {
	case p.failed():
		return Expr{}
	case p.word("not"):
		return Negate(p.not())
	case p.sign("("):
		e := p.or()
		p.want(p.sign(")"), ")")
		return e
	case p.word("true"):
		return Expr{Op: And}
	case p.word("false"):
		return Expr{Op: Or}
	}
	return p.comparison()
}

func (p *parser) comparison() Expr {
	e := Expr{Column: p.name("a column")}
	at := p.next.at
	not := p.word("not")
	switch {
	case p.word("in"):
		e.Op, e.Value = In, p.list()
	case p.word("like"):
		e.Op, e.Value = Matches, p.value()
	case p.word("contains"):
		e.Op, e.Value = Contains, p.value()
	case not:
		p.fail(p.next.at, "behind not here in, like or contains is wanted")
	case p.word("is"):
		e.Op = Is
		if p.word("not") {
			e.Op = IsNot
		}
		p.operand(&e)
	case p.next.kind == tokenSign && Op(p.next.text).comparison():
		e.Op = Op(p.advance().text)
		p.operand(&e)
	default:
		p.fail(at, "here a comparison is wanted: =, !=, <, <=, >, >=, in, like, contains or is")
	}
	if not {
		return Negate(e)
	}
	return e
}

// operand is a value, another column, or null.
func (p *parser) operand(e *Expr) {
	at := p.next.at
	switch {
	case p.next.kind == tokenName:
		e.Other = p.advance().text
	case p.word("null"):
		switch e.Op {
		case Equal, Is:
			e.Op = Is
		case NotEqual, IsNot:
			e.Op = IsNot
		default:
			p.fail(at, "nothing is less or greater than null; write is null or is not null")
		}
	default:
		e.Value = p.value()
	}
}

func (p *parser) list() []any {
	end := ")"
	if p.sign("[") {
		end = "]"
	} else {
		p.want(p.sign("("), "a list in parentheses")
	}
	list := []any{}
	if p.sign(end) {
		return list
	}
	for more := true; more; more = p.sign(",") {
		list = append(list, p.value())
	}
	p.want(p.sign(end), end)
	return list
}

// value is a text, a number or a boolean.
func (p *parser) value() any {
	switch t := p.next; {
	case p.failed():
	case t.kind == tokenText:
		return p.advance().text
	case t.kind == tokenNumber:
		return json.Number(p.advance().text)
	case p.word("true"):
		return true
	case p.word("false"):
		return false
	default:
		p.fail(t.at, "here a value is wanted: a number, true, false, or a text in single quotes")
	}
	return nil
}
