package query

import (
	"encoding/json"
	"strings"

	"github.com/varvedb/varve/errs"
)

// Query is one question: exactly one of its fields is set. Its JSON form is
// the wire's and the CLI's:
//
//	{"select": {"from": "docs", "where": {"y": 1, "n": {">": 5}}, "order": ["n"]}}
//	{"insert": {"into": "docs", "rows": [{"n": 1}, {"n": 2}]}}
//	{"update": {"table": "docs", "set": {"y": 0}, "where": {"n": 1}}}
//	{"delete": {"from": "docs", "where": {"id": "a"}}}
//	{"raw": {"sql": "select count(*) from docs where n > ?", "args": [5]}}
type Query struct {
	Select *Select `json:"select,omitempty"`
	Insert *Insert `json:"insert,omitempty"`
	Update *Update `json:"update,omitempty"`
	Delete *Delete `json:"delete,omitempty"`
	Raw    *Raw    `json:"raw,omitempty"`
	// Predict asks a model; see [Predict].
	Predict *Predict `json:"predict,omitempty"`
}

// Question is what can be executed: a [Query], or what builds one.
type Question interface {
	// Query is what it asks.
	Query() Query
}

// Query implements Question.
func (q Query) Query() Query { return q }

// check wants exactly one field.
func (q Query) check() error {
	set := 0
	for _, is := range []bool{q.Select != nil, q.Insert != nil, q.Update != nil, q.Delete != nil, q.Raw != nil, q.Predict != nil} {
		if is {
			set++
		}
	}
	if set != 1 {
		return errs.Field(errs.Invalid, "query", "is one of select, insert, update, delete, raw and predict; %d are given", set)
	}
	switch {
	case q.Select != nil:
		return given("select.from", q.Select.From)
	case q.Insert != nil:
		return given("insert.into", q.Insert.Into)
	case q.Update != nil:
		return given("update.table", q.Update.Table)
	case q.Delete != nil:
		return given("delete.from", q.Delete.From)
	case q.Predict != nil:
		return given("predict.model", q.Predict.Model)
	}
	return given("raw.sql", strings.TrimSpace(q.Raw.SQL))
}

func given(field, value string) error {
	if value == "" {
		return errs.Field(errs.Invalid, field, "is missing")
	}
	return nil
}

// Select asks for rows.
type Select struct {
	From string `json:"from"`
	// As is the name that stands before its columns where tables are joined;
	// default: From.
	As string `json:"as,omitempty"`
	// Columns are what is returned, all of From's and none of the joined
	// tables' if there are none; "docs.*" is all of one table's.
	Columns []Output `json:"columns,omitempty"`
	Join    []Join   `json:"join,omitempty"`
	Where   *Expr    `json:"where,omitempty"`
	Order   []Order  `json:"order,omitempty"`
	Limit   int      `json:"limit,omitempty"` // 0: all
	Offset  int      `json:"offset,omitempty"`
	// Outputs adds a column for each listener's output, NULL where there is
	// none yet; Required leaves such rows out.
	Outputs  []string `json:"outputs,omitempty"`
	Required bool     `json:"outputsRequired,omitempty"`
	// Like asks a vector index for what is nearest.
	Like *Like `json:"like,omitempty"`
}

// Output is a column of the answer. In JSON it is its name alone where it is
// not renamed.
type Output struct {
	Column string `json:"column"` // "n", "docs.n", "docs.*"
	As     string `json:"as,omitempty"`
}

// Join adds the columns of a second table.
type Join struct {
	Table string `json:"table"`
	As    string `json:"as,omitempty"`
	// Left keeps rows that find no partner, with NULL for its columns.
	Left bool `json:"left,omitempty"`
	// On are pairs of columns that must be equal, the first of a pair from a
	// table before this one, the second of this one.
	On [][2]string `json:"on"`
}

// Order is one term of an order. NULL comes after everything else, and first
// when descending; text is in the order of its bytes. Rows that are equal in
// all terms are in the order of their key. In JSON it is its column's name
// alone, with "-" before it when descending, or an object.
type Order struct {
	Column     string `json:"column"`
	Descending bool   `json:"descending,omitempty"`
}

// Like is a search for the nearest.
type Like struct {
	Document json.RawMessage `json:"document"`
	Index    string          `json:"index"`
	N        int             `json:"n,omitempty"` // default 100
	// First searches, then filters: fewer than N rows may come. Default: the
	// search is among the rows that the filter lets through.
	First bool `json:"searchThenFilter,omitempty"`
	// Native keeps the database's order, else the best comes first.
	Native bool `json:"nativeOrder,omitempty"`
}

// Insert adds rows. A table that is not there is made from the first row.
type Insert struct {
	Into string `json:"into"`
	// Rows are objects; their values are as [Service.Execute] takes them.
	Rows []Row `json:"rows"`
	// Types are those of columns, by name, that a table which is made from the
	// first row gets in place of what the row's values look like. A table that
	// is there keeps its own.
	Types map[string]Type `json:"types,omitempty"`
	// Strict: a table that is not there is an error.
	Strict bool `json:"strict,omitempty"`
	// NoRefresh: listeners are not told.
	NoRefresh bool `json:"noRefresh,omitempty"`
}

// Row is one row by the names of its columns. What may be given for a column
// says [Type.Value]; what comes back [Kind], but a tensor is an [Array].
//
// A row may also be a bare value, for a table with one column beside its key
// and _fold: see [Bare].
type Row map[string]any

// scalar is the name under which a bare value stands in a Row.
const scalar = ""

// Bare is the row that is only a value, for a table with one column beside its
// key and _fold. In JSON it is the value.
func Bare(v any) Row { return Row{scalar: v} }

// Update changes rows. Without Where it changes none: All says that every row
// is meant.
type Update struct {
	Table     string `json:"table"`
	Set       Row    `json:"set"`
	Where     *Expr  `json:"where,omitempty"`
	All       bool   `json:"all,omitempty"`
	NoRefresh bool   `json:"noRefresh,omitempty"`
}

// Delete removes rows; see Update for All.
type Delete struct {
	From      string `json:"from"`
	Where     *Expr  `json:"where,omitempty"`
	All       bool   `json:"all,omitempty"`
	NoRefresh bool   `json:"noRefresh,omitempty"`
}

// Raw is a statement in the database's own language, with arguments. It reads,
// unless the service was opened to let it write.
type Raw struct {
	SQL  string `json:"sql"`
	Args []any  `json:"args,omitempty"`
}

// Predict asks a model about one datum.
type Predict struct {
	Model string          `json:"model"`
	Input json.RawMessage `json:"input"`
}
