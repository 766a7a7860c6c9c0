package query

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/internal/datum"
)

// Format writes a query in the text form that [Parse] reads. errs.Unsupported
// for a raw statement with arguments, which that form has not, and errs.Invalid
// for what is no query.
func Format(q Query) (string, error) {
	if err := q.check(); err != nil {
		return "", err
	}
	f := &formatter{}
	switch {
	case q.Select != nil:
		f.selection(q.Select)
	case q.Insert != nil:
		f.insert(q.Insert)
	case q.Update != nil:
		f.update(q.Update)
	case q.Delete != nil:
		f.say("delete from", name(q.Delete.From))
		f.affected(q.Delete.Where, q.Delete.All, q.Delete.NoRefresh)
	case q.Predict != nil:
		f.say("predict", name(q.Predict.Model), string(q.Predict.Input))
	case len(q.Raw.Args) > 0:
		return "", errs.Field(errs.Unsupported, "args", "a statement with arguments has no text form; use the JSON form")
	default:
		f.say("sql", strings.TrimSpace(q.Raw.SQL))
	}
	return strings.Join(f.parts, " "), f.err
}

type formatter struct {
	parts []string
	err   error
}

func (f *formatter) say(parts ...string) { f.parts = append(f.parts, parts...) }

// name writes a name, in quotes where it needs them. Dots divide parts, of
// which each may.
func name(s string) string {
	parts := strings.Split(s, ".")
	for i, part := range parts {
		bare := part != "" && !strings.ContainsFunc(part, func(r rune) bool { return !inName(r) }) && !(part[0] >= '0' && part[0] <= '9' && i == 0) && part[0] != '-'
		if !bare || len(parts) == 1 && keyword(part) {
			parts[i] = `"` + strings.ReplaceAll(part, `"`, `""`) + `"`
		}
	}
	return strings.Join(parts, ".")
}

func (f *formatter) source(table, as string) {
	f.say(name(table))
	if as != "" {
		f.say("as", name(as))
	}
}

func (f *formatter) selection(s *Select) {
	f.source(s.From, s.As)
	for _, j := range s.Join {
		if j.Left {
			f.say("left")
		}
		f.say("join")
		f.source(j.Table, j.As)
		for i, pair := range j.On {
			f.say([]string{"on", "and"}[min(i, 1)], name(pair[0]), "=", name(pair[1]))
		}
	}
	if s.Where != nil {
		f.say("where")
		f.expr(*s.Where, 0)
	}
	if s.Like != nil {
		f.like(s.Like)
	}
	var terms []string
	for _, o := range s.Order {
		terms = append(terms, name(o.Column)+map[bool]string{true: " desc"}[o.Descending])
	}
	f.listed("order by", terms)
	f.number("limit", s.Limit)
	f.number("offset", s.Offset)
	var listeners, columns []string
	for _, l := range s.Outputs {
		listeners = append(listeners, name(l))
	}
	if f.listed("outputs", listeners); s.Required {
		f.say("required")
	}
	for _, o := range s.Columns {
		columns = append(columns, output(o))
	}
	f.listed("select", columns)
}

func output(o Output) string {
	s := name(o.Column)
	if alias, all := strings.CutSuffix(o.Column, ".*"); all {
		s = name(alias) + ".*"
		if !strings.Contains(alias, ".") && keyword(alias) {
			s = `"` + alias + `".*`
		}
	} else if o.Column == "*" {
		s = "*"
	}
	if o.As != "" {
		s += " as " + name(o.As)
	}
	return s
}

func (f *formatter) listed(what string, list []string) {
	if len(list) > 0 {
		f.say(what, strings.Join(list, ", "))
	}
}

func (f *formatter) number(what string, n int) {
	if n != 0 {
		f.say(what, strconv.Itoa(n))
	}
}

func (f *formatter) like(l *Like) {
	f.say("like", string(l.Document), "in", name(l.Index))
	f.number("nearest", l.N)
	if l.First {
		f.say("first")
	}
	if l.Native {
		f.say("native")
	}
}

func (f *formatter) insert(i *Insert) {
	var rows []string
	for _, row := range i.Rows {
		raw, err := datum.Encode(row)
		if err != nil {
			f.err = errs.Field(errs.Invalid, "rows", "cannot be written as JSON")
			return
		}
		rows = append(rows, string(raw))
	}
	f.say("insert into", name(i.Into), strings.Join(rows, ", "))
	var types []string
	for _, column := range slices.Sorted(maps.Keys(i.Types)) {
		types = append(types, name(column)+" "+i.Types[column].String())
	}
	f.listed("typed", types)
	if i.Strict {
		f.say("strict")
	}
	if i.NoRefresh {
		f.say("quietly")
	}
}

func (f *formatter) update(u *Update) {
	var set []string
	for _, column := range slices.Sorted(maps.Keys(u.Set)) {
		set = append(set, name(column)+" = "+f.value(u.Set[column]))
	}
	f.say("update", name(u.Table), "set", strings.Join(set, ", "))
	f.affected(u.Where, u.All, u.NoRefresh)
}

func (f *formatter) affected(where *Expr, all, quietly bool) {
	if where != nil {
		f.say("where")
		f.expr(*where, 0)
	}
	if all {
		f.say("all")
	}
	if quietly {
		f.say("quietly")
	}
}

// expr writes a condition, in parentheses where it stands within another that
// binds as tightly: within and, or and not are levels 2, 1 and 3.
func (f *formatter) expr(e Expr, within int) {
	level := map[Op]int{Or: 1, And: 2, Not: 3}[e.Op]
	switch {
	case level == 0:
		f.comparison(e)
	case level < 3 && len(e.Of) == 0:
		f.say(map[Op]string{And: "true", Or: "false"}[e.Op])
	case level == 3:
		f.say("not")
		if len(e.Of) != 1 {
			f.err = errs.Field(errs.Invalid, "not", "has %d conditions; it has one", len(e.Of))
			return
		}
		f.expr(e.Of[0], 3)
	case len(e.Of) == 1:
		f.expr(e.Of[0], within)
	default:
		f.joined(e, level, within)
	}
}

func (f *formatter) joined(e Expr, level, within int) {
	parens := within >= level
	if parens {
		f.say("(")
	}
	for i, of := range e.Of {
		if i > 0 {
			f.say(string(e.Op))
		}
		f.expr(of, level)
	}
	if parens {
		f.say(")")
	}
}

func (f *formatter) comparison(e Expr) {
	if !e.Op.comparison() {
		f.err = errs.Field(errs.Invalid, e.Column, "%q is no comparison", string(e.Op))
		return
	}
	f.say(name(e.Column), string(e.Op))
	switch {
	case e.Other != "":
		f.say(name(e.Other))
	case e.Op == In:
		list, err := listOf(e)
		if err != nil {
			f.err = err
			return
		}
		values := make([]string, len(list))
		for i, v := range list {
			values[i] = f.value(v)
		}
		f.say("(" + strings.Join(values, ", ") + ")")
	default:
		f.say(f.value(e.Value))
	}
}

func (f *formatter) value(v any) string {
	switch v := datum.Plain(v).(type) {
	case nil:
		return "null"
	case string:
		return "'" + strings.ReplaceAll(v, "'", "''") + "'"
	case time.Time:
		return "'" + v.UTC().Format(time.RFC3339Nano) + "'"
	case []byte:
		return "'" + base64.StdEncoding.EncodeToString(v) + "'"
	case json.Number:
		return string(v)
	default:
		raw, err := datum.Encode(v)
		if err != nil {
			f.err = errs.New(errs.Invalid, "%s has no text form", datum.Told(v))
		}
		return string(raw)
	}
}
