package query

// Op is how an expression decides.
type Op string

// The operations. A comparison with NULL is not true, but for Is and IsNot.
const (
	And Op = "and" // all of Of; of none: true
	Or  Op = "or"  // one of Of; of none: false
	Not Op = "not" // not the first of Of, where NULL is not true either way

	Equal        Op = "="
	NotEqual     Op = "!="
	Less         Op = "<"
	LessEqual    Op = "<="
	Greater      Op = ">"
	GreaterEqual Op = ">="
	In           Op = "in"       // Value is a list; of none: false
	Matches      Op = "like"     // text with % and _ as SQL has them, \ before one that stands for itself; case counts
	Contains     Op = "contains" // a list in JSON has the value, a text has the text in it
	Is           Op = "is"       // Value is nil: it is NULL; else equal
	IsNot        Op = "is not"   // Value is nil: it is not NULL; else NULL or another value
)

// Expr is a condition on a row. Its JSON form is an object whose members must
// all hold: a column with a value it equals (null: that it is NULL) or with an
// object of operations, or one of "and", "or" (lists) and "not":
//
//	{"y": 1, "n": {">": 5, "<": 9}, "or": [{"a": null}, {"b": {"in": [1, 2]}}]}
//
// A column's name may go on with a path into its JSON, as in "meta.tags" or
// "docs.meta.size". To compare with another column the value is
// {"column": "other"}.
type Expr struct {
	Op     Op
	Of     []Expr // of And, Or and Not
	Column string // of the others
	Value  any
	Other  string // the column that stands for Value
}
