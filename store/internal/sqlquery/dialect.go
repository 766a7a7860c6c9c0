package sqlquery

import "github.com/varvedb/varve/query"

// Dialect is where the engines differ.
type Dialect struct {
	// Param is the n-th parameter, from 1, for a value of a kind; with kind ""
	// for what a column is set to. The same n may stand twice.
	Param func(n int, k query.Kind) string
	// Name is the name of a column as it stands in SQL, and Table that of a
	// table.
	Name, Table func(name string) string
	// Bind brings a value of the port into the form that the driver binds.
	Bind func(v any, t query.Type) any
	// Compare makes of a column an expression that is compared as the port
	// says: text by its bytes. ordered: not only for equality with a value.
	Compare func(expr string, c *Column, ordered bool) string
	// Equal is a quicker equality of a column with a value as the driver binds
	// it, as an index may answer it; nil, or where it returns "": there is none.
	Equal func(expr string, c *Column, value any, param func(any, query.Kind) string) string
	// Read makes of a column what an answer is read from; nil: itself.
	Read func(expr string, c *Column) string
	// At is the value at a place in JSON as text, float or boolean, NULL where
	// there is another; with kind JSON, the JSON there, NULL where it is null.
	// path is bound by param.
	At func(expr string, path []string, k query.Kind, param func(any, query.Kind) string) string
	// Same is the equality that is never NULL.
	Same func(a, b string) string
	// Matches tells whether text is like a pattern, as the port says.
	Matches func(expr, pattern string) string
	// Holds tells whether text contains another.
	Holds func(expr, needle string) string
	// Has tells whether JSON is a list with a value, which is a string, a
	// float64 or a bool; NULL where the expression is.
	Has func(expr string, value any, param func(any, query.Kind) string) string
	// Among is the membership in a list of values as the driver binds them;
	// nil, or where it returns "": as many parameters.
	Among func(expr string, values []any, t query.Type, param func(any, query.Kind) string) string
	// Params is how many parameters a statement may have.
	Params int
	// Sort is a term of an order: NULL last, and first when descending.
	Sort func(expr string, descending, nullable bool) string
	// All is what stands for a limit where only an offset is asked for.
	All string
}
