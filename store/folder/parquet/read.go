// Package parquet reads a Parquet file of anybody's as a table.
package parquet

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/parquet-go/parquet-go"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/query"
)

// reader reads one file.
type reader struct {
	name   string
	max    int64
	size   int64 // of the values so far
	row    int   // that is read, from 1
	fields []*field
	leaves []leaf // by their numbers in the file
}

// field is a column of the table.
type field struct {
	name        string
	node        parquet.Node
	first, last int // of its leaves
	// found is what its values turned out to be.
	found found
}

// leaf is a column of the file: one of values.
type leaf struct {
	kind              parquet.Kind
	repeated, defined int
	read              func(parquet.Value) (any, error)
}

// Read reads a file whole; what its values take in memory is at most max bytes,
// or it is errs.TooLarge, and told. Columns of lists and records are JSON, lists
// of floating numbers that are equally long are vectors. A file that is not what
// it says is errs.Invalid.
func Read(name string, file *strings.Reader, max int64) (columns []query.Column, rows [][]any, size int64, err error) {
	r := &reader{name: name, max: max}
	defer func() { // the library panics over files that are not what they say
		if p := recover(); p != nil {
			err = fmt.Errorf("%v", p)
		}
		var known *errs.Error
		if err != nil && !errors.As(err, &known) {
			err = errs.Wrap(errs.Invalid, err, "%s cannot be read as Parquet from row %d on; it may have been cut off", name, r.row)
		}
	}()
	f, err := parquet.OpenFile(file, file.Size(), parquet.SkipBloomFilters(true))
	if err != nil {
		return nil, nil, 0, err
	}
	if err := r.open(f.Schema()); err != nil {
		return nil, nil, 0, err
	}
	for _, group := range f.RowGroups() {
		if rows, err = r.group(group, rows); err != nil {
			return nil, nil, 0, err
		}
	}
	if int64(len(rows)) != f.NumRows() {
		return nil, nil, 0, errors.New("rows are missing")
	}
	return r.columns(rows), rows, r.size, nil
}

// open finds out what columns there are.
func (r *reader) open(schema *parquet.Schema) error {
	for _, path := range schema.Columns() {
		c, ok := schema.Lookup(path...)
		if !ok {
			return errors.New("a column is not where it should be")
		}
		read := reading(c.Node)
		r.leaves = append(r.leaves, leaf{c.Node.Type().Kind(), c.MaxRepetitionLevel, c.MaxDefinitionLevel, read})
		if n := len(r.fields); n > 0 && r.fields[n-1].name == path[0] {
			r.fields[n-1].last = len(r.leaves)
			continue
		}
		for _, f := range r.fields {
			if strings.EqualFold(f.name, path[0]) {
				return errs.Field(errs.Invalid, "table", "%s has two columns that are called %q; rename one", r.name, path[0])
			}
		}
		r.fields = append(r.fields, &field{name: path[0], first: len(r.leaves) - 1, last: len(r.leaves)})
	}
	if len(r.fields) == 0 {
		return errs.Field(errs.Invalid, "table", "%s has no columns", r.name)
	}
	for _, node := range schema.Fields() {
		for _, f := range r.fields {
			if f.name == node.Name() {
				f.node = node
				f.expect(r.leaves[f.first])
			}
		}
	}
	return nil
}

// expect sets what a column is that has no values.
func (f *field) expect(l leaf) {
	if !f.node.Leaf() || f.node.Repeated() {
		f.found.kind = query.JSON
		return
	}
	if v, err := l.read(parquet.ZeroValue(l.kind)); err == nil {
		_, _ = f.found.see(v, false)
	}
}

// group adds the rows of a row group.
func (r *reader) group(group parquet.RowGroup, rows [][]any) (_ [][]any, err error) {
	in := group.Rows()
	defer func() { err = errors.Join(err, in.Close()) }()
	block := make([]parquet.Row, 64)
	for {
		n, err := in.ReadRows(block)
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		for _, values := range block[:n] {
			r.row++
			row, err := r.values(values)
			if err != nil {
				return nil, err
			}
			rows = append(rows, row)
		}
		if err != nil || n == 0 {
			return rows, nil
		}
	}
}

// values makes a row of what the file has of it.
func (r *reader) values(values parquet.Row) ([]any, error) {
	columns, ok := r.sound(values)
	if !ok {
		return nil, errors.New("the values of a row do not fit its columns")
	}
	row := make([]any, len(r.fields))
	for i, f := range r.fields {
		var err error
		if f.node.Leaf() && !f.node.Repeated() {
			row[i], err = r.value(columns[f.first][0])
		} else {
			row[i], err = r.assemble(f.node, columns[f.first:f.last], f.first, 0, 0)
		}
		if err == nil {
			row[i], err = f.found.see(row[i], !f.node.Leaf() || f.node.Repeated())
		}
		if err != nil {
			return nil, errs.Field(errs.Invalid, "table", "%s, row %d: the column %q has a value that %v", r.name, r.row, f.name, err)
		}
	}
	if r.size > r.max {
		return nil, errs.Field(errs.TooLarge, "table", "%s has more than %d bytes of values; give more with ?memory=, or open a DuckDB file and insert the rows there", r.name, r.max)
	}
	return row, nil
}

// sound sorts the values of a row by their leaves. In a file that is not what it
// says one may be missing, or of another type; the library would then take
// numbers for addresses.
func (r *reader) sound(row parquet.Row) ([][]parquet.Value, bool) {
	columns := make([][]parquet.Value, len(r.leaves))
	last := -1
	for i, v := range row {
		c := v.Column()
		if c != last+1 && (c != last || v.RepetitionLevel() == 0) || c >= len(r.leaves) {
			return nil, false
		}
		at := r.leaves[c]
		if v.RepetitionLevel() > at.repeated || v.DefinitionLevel() > at.defined || v.IsNull() != (v.DefinitionLevel() < at.defined) || !v.IsNull() && v.Kind() != at.kind {
			return nil, false
		}
		if c != last && v.RepetitionLevel() != 0 {
			return nil, false
		}
		from := i - len(columns[c])
		columns[c], last = row[from:i+1], c
	}
	return columns, last == len(r.leaves)-1
}

// value is that of a leaf.
func (r *reader) value(v parquet.Value) (any, error) {
	r.size += 24
	if v.IsNull() {
		return nil, nil
	}
	if k := v.Kind(); k == parquet.ByteArray || k == parquet.FixedLenByteArray {
		r.size += int64(len(v.ByteArray()))
	}
	return r.leaves[v.Column()].read(v)
}

// assemble makes a value of the columns of a node, which begin with a number, and
// whose values are repeated and defined so often above it.
func (r *reader) assemble(n parquet.Node, columns [][]parquet.Value, first, repeated, defined int) (any, error) {
	switch {
	case n.Optional():
		if defined++; columns[0][0].DefinitionLevel() < defined {
			return nil, nil
		}
		return r.inside(n, columns, first, repeated, defined)
	case n.Repeated():
		repeated, defined = repeated+1, defined+1
		list := []any{}
		if columns[0][0].DefinitionLevel() < defined {
			return list, nil
		}
		for _, item := range items(columns, repeated) {
			v, err := r.inside(n, item, first, repeated, defined)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	}
	return r.inside(n, columns, first, repeated, defined)
}

// items cuts columns where an item of the list of that depth begins.
func items(columns [][]parquet.Value, repeated int) (list [][][]parquet.Value) {
	for c, values := range columns {
		n := -1
		for i, v := range values {
			if i == 0 || v.RepetitionLevel() <= repeated {
				if n++; n == len(list) {
					list = append(list, make([][]parquet.Value, len(columns)))
				}
			}
			from := i - len(list[n][c])
			list[n][c] = values[from : i+1]
		}
	}
	return list
}

// inside is a value of a node that is there.
func (r *reader) inside(n parquet.Node, columns [][]parquet.Value, first, repeated, defined int) (any, error) {
	if n.Leaf() {
		return r.value(columns[0][0])
	}
	object := map[string]any{}
	fields := n.Fields()
	at := 0
	for _, f := range fields {
		width := leavesOf(f)
		v, err := r.assemble(f, columns[at:at+width], first+at, repeated, defined)
		if err != nil {
			return nil, err
		}
		object[f.Name()] = v
		at += width
	}
	if list, ok := object[fields[0].Name()].([]any); ok && len(fields) == 1 && isList(n) {
		return unframed(list, fields[0]), nil
	}
	return object, nil
}

func leavesOf(n parquet.Node) int {
	if n.Leaf() {
		return 1
	}
	sum := 0
	for _, f := range n.Fields() {
		sum += leavesOf(f)
	}
	return sum
}
