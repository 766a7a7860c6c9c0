package csv

import (
	"bufio"
	"io"
	"strings"

	"github.com/varvedb/varve/query"
	"github.com/varvedb/varve/store/internal/rowquery"
)

// Shape is what the columns of a table are, and its key, "" for none.
type Shape struct {
	Columns []query.Column
	Key     string
}

// Content is a file in memory. What is in it is not changed.
type Content struct {
	Shape
	Dialect
	Head  string   // the first line, as it stands in the file
	Lines []string // of each row, with the line end; the last may have none
	Rows  [][]any
}

// New is a file without rows.
func New(shape Shape) *Content {
	c := &Content{Shape: shape, Dialect: Plain}
	var b []byte
	for i, column := range shape.Columns {
		if i > 0 {
			b = append(b, c.Comma)
		}
		b = c.quote(b, column.Name)
	}
	c.Head = string(b) + c.End
	return c
}

// Columns are the names in the first line of a file.
func Columns(name, data string) ([]string, error) {
	_, _, columns, err := open(name, data)
	return columns, err
}

// Infer finds out what a file holds whose columns nobody declared: for each the
// narrowest of integer, real, boolean, time and text that every value is without
// a loss. Its key is the column id, in whatever case, else the first one, if each
// row has a value there that no other has and that may be a key.
func Infer(name, data string) (Shape, error) {
	s, _, names, err := open(name, data)
	if err != nil {
		return Shape{}, err
	}
	guesses := make([]guess, len(names))
	keys := candidates(names)
	for {
		more, err := s.record(len(names))
		if err != nil {
			return Shape{}, err
		}
		if !more {
			break
		}
		for i := range s.fields {
			if !s.fields[i].null() {
				guesses[i].see(s.fields[i].text)
			}
		}
		for _, k := range keys {
			k.see(&s.fields[k.column])
		}
	}
	shape := Shape{}
	for i, column := range names {
		shape.Columns = append(shape.Columns, query.Column{Name: column, Type: query.Type{Kind: guesses[i].kind()}})
	}
	for _, k := range keys {
		if kind := guesses[k.column].kind(); !k.unfit && (kind == query.Text || kind == query.Integer) {
			shape.Key = names[k.column]
			shape.Columns[k.column].Required = true
			break
		}
	}
	return shape, nil
}

// candidate is a column that may be the key.
type candidate struct {
	column int
	unfit  bool
	seen   map[string]struct{}
}

func candidates(names []string) []*candidate {
	list := []*candidate{{column: 0, seen: map[string]struct{}{}}}
	for i, name := range names {
		if i > 0 && strings.EqualFold(name, "id") {
			list = append([]*candidate{{column: i, seen: map[string]struct{}{}}}, list...)
		}
	}
	return list
}

func (k *candidate) see(f *field) {
	if k.unfit {
		return
	}
	if _, twice := k.seen[f.text]; twice || f.text == "" || len(f.text) > query.MaxKey {
		k.unfit, k.seen = true, nil
		return
	}
	k.seen[f.text] = struct{}{}
}

// record is next, for a file of some columns.
func (s *scanner) record(columns int) (bool, error) {
	more, err := s.next()
	if err != nil || !more {
		return false, err
	}
	if n := len(s.fields); n != columns {
		return false, s.fail(s.at, "has %d fields, and the first line has %d; it may have been cut off, or a field with a separator lacks its quotes", n, columns)
	}
	return true, nil
}

// Read reads a file whose columns are known, in whatever order. strict refuses
// values that are not written as Infer wants them.
func Read(name, data string, shape Shape, strict bool) (*Content, error) {
	s, dialect, names, err := open(name, data)
	if err != nil {
		return nil, err
	}
	c := &Content{Dialect: dialect, Head: s.raw}
	if c.Shape, err = s.arranged(names, shape); err != nil {
		return nil, err
	}
	keys := map[string]int{}
	var cells []any
	for {
		more, err := s.record(len(names))
		if err != nil || !more {
			return c, err
		}
		if len(cells) < len(names) {
			cells = make([]any, 256*len(names))
		}
		row := cells[:len(names):len(names)]
		cells = cells[len(names):]
		if err := s.values(row, c.Columns, strict); err != nil {
			return nil, err
		}
		if err := s.distinct(keys, row, c.Shape); err != nil {
			return nil, err
		}
		c.Rows, c.Lines = append(c.Rows, row), append(c.Lines, s.raw)
	}
}

// arranged is a shape in the order in which a file has the columns.
func (s *scanner) arranged(names []string, shape Shape) (Shape, error) {
	known := query.Table{Columns: shape.Columns}
	ordered := Shape{Key: shape.Key}
	for _, column := range names {
		i := known.Index(column)
		if i < 0 {
			return Shape{}, s.fail(s.at, "the column %q is not one of the table's", column)
		}
		ordered.Columns = append(ordered.Columns, shape.Columns[i])
	}
	if len(names) < len(shape.Columns) {
		return Shape{}, s.fail(s.at, "there are %d columns of the table's %d", len(names), len(shape.Columns))
	}
	return ordered, nil
}

func (s *scanner) values(row []any, columns []query.Column, strict bool) (err error) {
	for i := range columns {
		f := &s.fields[i]
		if strict && !f.null() && !exact(columns[i].Type.Kind, f.text) {
			return s.fail(s.at, "the column %q is of type %s, and not so written", columns[i].Name, columns[i].Type)
		}
		if row[i], err = value(columns[i].Type, f); err != nil {
			return s.fail(s.at, "the column %q is of type %s, and not so written", columns[i].Name, columns[i].Type)
		}
	}
	return nil
}

// distinct holds the key of a row against those before it.
func (s *scanner) distinct(keys map[string]int, row []any, shape Shape) error {
	if shape.Key == "" {
		return nil
	}
	t := query.Table{Columns: shape.Columns}
	v := row[t.Index(shape.Key)]
	if v == nil {
		return s.fail(s.at, "the key %q is empty", shape.Key)
	}
	key := rowquery.KeyText(v)
	if first, twice := keys[key]; twice {
		return s.fail(s.at, "the key %q is that of line %d too: %q", shape.Key, first, key)
	}
	keys[key] = s.at
	return nil
}

// Line writes a row.
func (c *Content) Line(row []any) (string, error) {
	var b []byte
	var err error
	for i, v := range row {
		if i > 0 {
			b = append(b, c.Comma)
		}
		if b, err = c.append(b, c.Columns[i].Type, v); err != nil {
			return "", err
		}
	}
	return string(b) + c.End, nil
}

// Changed writes a row of which some columns are others, and leaves the rest as
// it is written.
func (c *Content) Changed(line string, set []query.Assign) (string, error) {
	s := &scanner{data: line, comma: c.Comma}
	if _, err := s.next(); err != nil {
		return "", err
	}
	for _, a := range set {
		cell, err := c.append(nil, c.Columns[a.Column].Type, a.Value)
		if err != nil {
			return "", err
		}
		s.fields[a.Column].raw = string(cell)
	}
	var b strings.Builder
	for i, f := range s.fields {
		if i > 0 {
			b.WriteByte(c.Comma)
		}
		b.WriteString(f.raw)
	}
	b.WriteString(c.End)
	return b.String(), nil
}

// Write writes the file.
func (c *Content) Write(w io.Writer) error {
	b := bufio.NewWriterSize(w, 1<<16)
	c.line(b, c.Head, len(c.Lines) == 0)
	for i, line := range c.Lines {
		c.line(b, line, i == len(c.Lines)-1)
	}
	return b.Flush()
}

// line writes a line, with an end if it is not the last one. What fails the
// writer tells at its end.
func (c *Content) line(b *bufio.Writer, line string, last bool) {
	_, _ = b.WriteString(line)
	if !last && !strings.HasSuffix(line, "\n") {
		_, _ = b.WriteString(c.End)
	}
}
