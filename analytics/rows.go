package analytics

import (
	"iter"

	"github.com/varvedb/varve/errs"
)

// Rows is an answer. It is read once, by one goroutine.
type Rows struct {
	Columns []Column
	cursor  Cursor
	limit   int
	n       int
}

// All goes through the rows. A row stays as it is when the next comes. An
// error ends it: errs.TooLarge when there are more rows than the limit.
func (r *Rows) All() iter.Seq2[[]any, error] {
	return func(yield func([]any, error) bool) {
		for {
			block, err := r.cursor.Next()
			if err != nil {
				yield(nil, err)
				return
			}
			if len(block) == 0 {
				return
			}
			for _, row := range block {
				if r.n++; r.limit > 0 && r.n > r.limit {
					yield(nil, TooMany(r.limit))
					return
				}
				if !yield(row, nil) {
					return
				}
			}
		}
	}
}

// TooMany is the error for an answer with more rows than its limit.
func TooMany(limit int) error {
	return errs.Field(errs.TooLarge, "sql", "the answer has more than %d rows; add a LIMIT, or raise the limit of rows", limit)
}

// Slice reads all rows.
func (r *Rows) Slice() ([][]any, error) {
	rows := [][]any{}
	for row, err := range r.All() {
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// Close gives back what the answer holds. It may be called twice.
func (r *Rows) Close() error { return r.cursor.Close() }
