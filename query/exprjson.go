package query

import (
	"bytes"
	"encoding/json"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/internal/datum"
)

// comparisons are the operations that stand in the JSON form beside a column.
var comparisons = []Op{Equal, NotEqual, Less, LessEqual, Greater, GreaterEqual, In, Matches, Contains, Is, IsNot}

func (o Op) comparison() bool {
	for _, c := range comparisons {
		if c == o {
			return true
		}
	}
	return false
}

// UnmarshalJSON reads the JSON form.
func (e *Expr) UnmarshalJSON(raw []byte) error { return e.decode(raw, "") }

func (e *Expr) decode(raw json.RawMessage, path string) error {
	var of []Expr
	err := members(raw, path, func(name string, value json.RawMessage) error {
		more, err := memberExprs(name, value, under(path, name))
		of = append(of, more...)
		return err
	})
	if err != nil {
		return err
	}
	if *e = (Expr{Op: And, Of: of}); len(of) == 1 {
		*e = of[0]
	}
	return nil
}

func memberExprs(name string, raw json.RawMessage, path string) ([]Expr, error) {
	switch Op(name) {
	case And, Or:
		var items []json.RawMessage
		if err := json.Unmarshal(raw, &items); err != nil || items == nil {
			return nil, errs.Field(errs.Invalid, path, "is no list of conditions; a column of this name is written with its table, as in \"docs.%s\"", name)
		}
		e := Expr{Op: Op(name)}
		for i, item := range items {
			e.Of = append(e.Of, Expr{})
			if err := e.Of[i].decode(item, path); err != nil {
				return nil, err
			}
		}
		return []Expr{e}, nil
	case Not:
		e := Expr{Op: Not, Of: make([]Expr, 1)}
		return []Expr{e}, e.Of[0].decode(raw, path)
	}
	if raw[0] == '{' {
		return operations(name, raw, path)
	}
	e, err := compared(name, Equal, raw, path)
	return []Expr{e}, err
}

// operations reads {">": 5, "<": 9}, or {"column": "other"}.
func operations(column string, raw json.RawMessage, path string) (of []Expr, err error) {
	if other, ok := columnIn(raw); ok {
		return []Expr{{Op: Equal, Column: column, Other: other}}, nil
	}
	err = members(raw, path, func(name string, value json.RawMessage) error {
		if !Op(name).comparison() {
			return errs.Field(errs.Invalid, under(path, name), `is no comparison; there are =, !=, <, <=, >, >=, in, like, contains, is, "is not" and {"column": "other"}`)
		}
		e, err := compared(column, Op(name), value, under(path, name))
		of = append(of, e)
		return err
	})
	if err == nil && len(of) == 0 {
		return nil, errs.Field(errs.Invalid, path, "says no comparison")
	}
	return of, err
}

func compared(column string, op Op, raw json.RawMessage, path string) (Expr, error) {
	e := Expr{Op: op, Column: column}
	if other, ok := columnIn(raw); ok {
		e.Other = other
		return e, nil
	}
	if op == Equal && string(raw) == "null" {
		e.Op = Is
		return e, nil
	}
	var err error
	e.Value, err = datum.Decode(raw)
	return e, located(path, err)
}

// columnIn reads {"column": "other"}.
func columnIn(raw json.RawMessage) (string, bool) {
	var o map[string]json.RawMessage
	if len(raw) == 0 || raw[0] != '{' || json.Unmarshal(raw, &o) != nil || len(o) != 1 {
		return "", false
	}
	var name string
	if err := json.Unmarshal(o["column"], &name); err != nil || name == "" {
		return "", false
	}
	return name, true
}

// MarshalJSON gives the shortest form that reads the same.
func (e Expr) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	if err := e.members(&b); err != nil {
		return nil, err
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

func (e Expr) members(b *bytes.Buffer) error {
	switch e.Op {
	case And, Or:
		if e.Op == And && e.flat() {
			return e.flatMembers(b)
		}
		return member(b, string(e.Op), nonNil(e.Of))
	case Not:
		if len(e.Of) != 1 {
			return errs.Field(errs.Invalid, "not", "has %d conditions; it has one", len(e.Of))
		}
		return member(b, string(Not), e.Of[0])
	}
	if !e.Op.comparison() {
		return errs.Field(errs.Invalid, e.Column, "%q is no comparison", string(e.Op))
	}
	switch Op(e.Column) {
	case And, Or, Not:
		return errs.Field(errs.Invalid, e.Column, "a column of this name is written with its table, as in \"docs.%s\"", e.Column)
	}
	if e.Op == Equal && (e.Value != nil || e.Other != "") || e.Op == Is && e.Value == nil && e.Other == "" {
		return member(b, e.Column, e.operand())
	}
	return member(b, e.Column, map[Op]any{e.Op: e.operand()})
}

func nonNil(of []Expr) []Expr {
	if of == nil {
		return []Expr{}
	}
	return of
}

// operand is what stands on the other side.
func (e Expr) operand() any {
	if e.Other != "" {
		return map[string]string{"column": e.Other}
	}
	return e.Value
}

// flat tells whether the conditions of an And can be members of one object:
// there are none or several, each about another column or beside its like.
func (e Expr) flat() bool {
	seen := map[string]map[Op]bool{}
	for i, of := range e.Of {
		name := of.Column
		switch of.Op {
		case And:
			return false
		case Or, Not:
			name = string(of.Op)
		}
		if ops, twice := seen[name]; twice && (e.Of[i-1].Column != name || ops[of.Op] || name == string(of.Op)) {
			return false
		} else if !twice {
			seen[name] = map[Op]bool{}
		}
		seen[name][of.Op] = true
	}
	return len(e.Of) != 1
}

func (e Expr) flatMembers(b *bytes.Buffer) error {
	for i := 0; i < len(e.Of); {
		next := i + 1
		for next < len(e.Of) && e.Of[i].Op.comparison() && e.Of[next].Column == e.Of[i].Column && e.Of[next].Op.comparison() {
			next++
		}
		if next == i+1 {
			if err := separate(b, e.Of[i].members); err != nil {
				return err
			}
		} else if err := separate(b, func(b *bytes.Buffer) error { return severalMembers(b, e.Of[i:next]) }); err != nil {
			return err
		}
		i = next
	}
	return nil
}

// severalMembers writes comparisons of one column in one object.
func severalMembers(b *bytes.Buffer, of []Expr) error {
	name, err := datum.Encode(of[0].Column)
	if err != nil {
		return err
	}
	b.Write(name)
	b.WriteString(":{")
	for i, e := range of {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := member(b, string(e.Op), e.operand()); err != nil {
			return err
		}
	}
	b.WriteByte('}')
	return nil
}

func separate(b *bytes.Buffer, write func(*bytes.Buffer) error) error {
	if b.Len() > 1 {
		b.WriteByte(',')
	}
	return write(b)
}

func member(b *bytes.Buffer, name string, v any) error {
	key, err := datum.Encode(name)
	if err != nil {
		return err
	}
	raw, err := datum.Encode(v)
	if err != nil {
		return err
	}
	b.Write(key)
	b.WriteByte(':')
	b.Write(raw)
	return nil
}
