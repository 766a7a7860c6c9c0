package sqlcore

import (
	"context"
	"fmt"
	"strings"
)

// Row is a row of an answer.
type Row interface {
	// Text returns column i as text, false when it is NULL. Numbers and
	// booleans come as their text. It is valid until the next row only if the
	// store says so; what this package keeps, it copies by conversion.
	Text(i int) (string, bool)
}

// Query is one question: each is called for every row of the answer.
type Query struct {
	SQL  string
	Args []any // string, int64, bool, nil
	Each func(Row) error
}

// Querier asks questions: all on one snapshot where the engine has them, and
// in one round trip where it can.
type Querier interface {
	Run(ctx context.Context, queries ...Query) error
}

// Dialect is where the engines differ when they read.
type Dialect struct {
	// Param is the n-th parameter, from 1; the same n may stand twice.
	Param func(n int) string
	// Table is the name of a table as it stands in SQL.
	Table func(name string) string
	// Read makes an expression whose answer Row.Text can give as text.
	Read func(expr string, c Column) string
	// Compare makes the value of an id parameter comparable with a column.
	Compare func(param string, c Column) string
	// SortID makes an id sortable in byte order.
	SortID func(expr string) string
	// SortText makes any text sortable in byte order.
	SortText func(expr string) string
	// Time makes fixed-width UTC text of a stored time, NULL where it is none.
	Time func(expr string) string
	// Before is the condition that (at, id) comes before a place in the order
	// of bytes, for engines that cannot seek by a pair of values; nil: a pair.
	Before func(at, id, placeAt, placeID string) string
	// Late is the column by which a page that was found in an index is looked
	// up, for engines that else prefer to read the rows on the way to it.
	Late string
	// Greatest is the function that gives the greater of two texts.
	Greatest string
	// Grouped: a listing without ActivityColumn reads the steps once, since
	// there may be no index to look them up by.
	Grouped bool
	// Hop: the different values of an indexed column are to be found one after
	// the other, since the engine would read all of the index.
	Hop bool
	// Contains tells whether the folded text of an expression contains a
	// folded needle.
	Contains func(expr, needle string) string
	// Order is the hidden column that a newer row has more of.
	Order string
	// Holds tells whether a column can hold an id as it is.
	Holds func(id string, c Column) bool
	// Starred is a cheap condition that every step with metadata
	// favorite=true meets, for the metadata of alias s.
	Starred string
}

// Quote quotes a name.
func Quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

func (d Dialect) before(at, id, placeAt, placeID string) string {
	if d.Before != nil {
		return d.Before(at, id, placeAt, placeID)
	}
	return fmt.Sprintf("(%s,%s)<(%s,%s)", at, id, placeAt, placeID)
}

func (d Dialect) read(alias string, c Column) string {
	expr := Quote(c.Name)
	if alias != "" {
		expr = alias + "." + expr
	}
	return d.Read(expr, c)
}
