package query

import (
	"bytes"
	"encoding/json"
	"github.com/varvedb/varve/internal/datum"
	"iter"
	"math"
	"strconv"
)

// Result is the answer to a question.
type Result struct {
	// Columns of a select or a raw question, in the order of their values.
	Columns []OutputColumn
	// IDs are the keys of the rows that were inserted, updated or deleted, as
	// text: of an insert in the order of its rows, else in the order of keys.
	IDs []string
	// Created is the table that an insert made, else nil.
	Created *Table

	values iter.Seq2[[]any, error]
}

// NewResult makes an answer of rows that come from elsewhere, such as from a
// server, in the form that [Store.Select] yields.
func NewResult(columns []OutputColumn, values iter.Seq2[[]any, error]) *Result {
	return &Result{Columns: columns, values: values}
}

// Values yields the rows of the answer, each in the order of Columns; a tensor
// is an [Array]. They are read as they are asked for: to go through them again
// asks the question again. A row belongs to the caller until the next. An
// error ends it.
func (r *Result) Values() iter.Seq2[[]any, error] {
	return func(yield func([]any, error) bool) {
		if r.values == nil {
			return
		}
		for row, err := range r.values {
			if err != nil {
				yield(nil, err)
				return
			}
			for i := range row {
				if raw, ok := row[i].([]byte); ok && r.Columns[i].Type.Kind == Tensor {
					row[i] = Array{r.Columns[i].Type, raw}
				}
			}
			if !yield(row, nil) {
				return
			}
		}
	}
}

// Rows yields the rows of the answer by the names of its columns; see Values.
// They are the caller's.
func (r *Result) Rows() iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		for values, err := range r.Values() {
			if err != nil {
				yield(nil, err)
				return
			}
			row := make(Row, len(values))
			for i, v := range values {
				row[r.Columns[i].Name] = v
			}
			if !yield(row, nil) {
				return
			}
		}
	}
}

// All reads all rows of the answer.
func (r *Result) All() ([]Row, error) {
	rows := []Row{}
	for row, err := range r.Rows() {
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// EncodeRow writes the values of a row as a JSON object in the order of their
// columns: bytes in base64, times as in RFC 3339, vectors and tensors as lists.
// NaN and infinity, which only a [Raw] answers with and JSON has not, are text.
func EncodeRow(columns []OutputColumn, values []any) (json.RawMessage, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, v := range values {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := member(&b, columns[i].Name, inJSONForm(v)); err != nil {
			return nil, err
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// EncodeValues writes the values of a row as a JSON list, each as EncodeRow
// does.
func EncodeValues(values []any) (json.RawMessage, error) {
	b := []byte{'['}
	for i, v := range values {
		raw, err := datum.Encode(inJSONForm(v))
		if err != nil {
			return nil, err
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, raw...)
	}
	return append(b, ']'), nil
}

// inJSONForm puts text in the place of a number that JSON has not.
func inJSONForm(v any) any {
	if f, isReal := v.(float64); isReal && (math.IsNaN(f) || math.IsInf(f, 0)) {
		return strconv.FormatFloat(f, 'g', -1, 64)
	}
	return v
}
