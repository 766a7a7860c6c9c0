package query

import (
	"strings"

	"github.com/varvedb/varve/errs"
)

// scope is the tables of a question with the names that stand before their
// columns.
type scope struct {
	sources []Source
	names   []string
}

func (sc *scope) add(name string, s Source) error {
	for _, have := range sc.names {
		if have == name {
			return errs.Field(errs.Invalid, name, "stands for two tables; give one of them another name with \"as\"")
		}
	}
	sc.sources, sc.names = append(sc.sources, s), append(sc.names, name)
	return nil
}

// ref finds what a name means: a column; a column behind the name of its
// table; the same with a path into its JSON. The first of these counts, and
// of two columns the longer name.
func (sc *scope) ref(name string) (Ref, error) {
	found, err := sc.bare(name, false)
	if err != nil || found != nil {
		return found.or(), err
	}
	for i, alias := range sc.names {
		if rest, ok := strings.CutPrefix(name, alias+"."); ok {
			if r := sc.within(i, rest, true); r != nil {
				return *r, nil
			}
		}
	}
	if found, err = sc.bare(name, true); err != nil || found != nil {
		return found.or(), err
	}
	return Ref{}, sc.unknown(name)
}

func (r *Ref) or() Ref {
	if r == nil {
		return Ref{}
	}
	return *r
}

// bare finds a name without a table before it, which must be of one table.
func (sc *scope) bare(name string, path bool) (*Ref, error) {
	var found *Ref
	for i := range sc.sources {
		r := sc.within(i, name, path)
		if r != nil && found != nil {
			return nil, errs.Field(errs.Invalid, name, "is a column of two tables; write %s.%s or %s.%s",
				sc.names[found.Table], name, sc.names[i], name)
		}
		if r != nil {
			found = r
		}
	}
	return found, nil
}

// within finds a column in one table, or the longest that a path goes on from.
func (sc *scope) within(table int, name string, path bool) *Ref {
	t := sc.sources[table].Table
	for column, rest := name, ""; ; {
		if i := t.Index(column); i >= 0 && (rest == "" || t.Columns[i].Type.Kind == JSON) {
			r := &Ref{Table: table, Column: i, Type: t.Columns[i].Type}
			if rest != "" {
				r.Path = strings.Split(rest, ".")
			}
			return r
		}
		dot := strings.LastIndexByte(column, '.')
		if !path || dot < 0 {
			return nil
		}
		column, rest = column[:dot], name[dot+1:]
	}
}

func (sc *scope) unknown(name string) error {
	if len(sc.sources) == 1 {
		t := sc.sources[0].Table
		if column, _, ok := strings.Cut(name, "."); ok && t.Index(column) >= 0 {
			return errs.Field(errs.Invalid, name, "is a path into %q, which is of type %s and not json", column, t.Columns[t.Index(column)].Type)
		}
		return errs.Field(errs.Invalid, name, "the table %q has no such column%s", t.Name, suggestion(name, t.names()))
	}
	var there []string
	for i, s := range sc.sources {
		for _, c := range s.Table.names() {
			there = append(there, c, sc.names[i]+"."+c)
		}
	}
	return errs.Field(errs.Invalid, name, "none of the tables has such a column%s", suggestion(name, there))
}
