//go:build cgo && !no_duckdb

package duck

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/varvedb/varve/errs"
)

// The engine's settings keep a statement from files, the network, extensions
// and settings. They do not keep it from functions that change how the engine
// itself runs: SELECT * FROM enable_logging(…) is a SELECT. So the engine is
// asked how it reads the statement, and of the table functions in it only
// those that make rows from their arguments, or show what tables there are,
// are let through.
var tableFunctions = []string{
	"range", "generate_series", "unnest", "repeat", "repeat_row", "json_each", "json_tree",
	"duckdb_tables", "duckdb_columns", "duckdb_views", "duckdb_types", "duckdb_functions", "pragma_table_info",
	"histogram", "histogram_values",
}

// readable are the engine's own views that tell nothing but what there is.
var readable = []string{"duckdb_tables", "duckdb_columns", "duckdb_views", "duckdb_types"}

// functions that reach beyond a value: settings, sequences, logs.
var barred = []string{"current_setting", "write_log", "nextval", "currval", "setseed", "getenv", "json_execute_serialized_sql"}

// parsed is how the engine reads a statement.
type parsed struct {
	Error      bool            `json:"error"`
	Type       string          `json:"error_type"`
	Message    string          `json:"error_message"`
	Statements json.RawMessage `json:"statements"`
}

// Bounds say what else a statement of somebody's may ask, and what it may not.
type Bounds struct {
	// Function lets table functions through by their names, in lower case.
	Function func(name string) bool
	// Private bars tables by their schema, "" where none is given, and name, both
	// in lower case.
	Private func(schema, table string) bool
}

// Guard refuses everything but one SELECT that stays inside. The engine is to
// be closed off by its settings, too.
func (c *Conn) Guard(ctx context.Context, sql string, b Bounds) error {
	rows, err := c.Query(ctx, `SELECT CAST(json_serialize_sql(CAST(? AS VARCHAR)) AS VARCHAR)`, sql)
	if err != nil {
		return err
	}
	defer rows.Close()
	block, err := rows.Next()
	if err != nil {
		return err
	}
	var p parsed
	text, _ := block[0][0].(string)
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		return errs.Field(errs.Invalid, "sql", "cannot be looked at: it nests too deeply, or has a number that is infinite (write 'inf'::DOUBLE)")
	}
	if p.Error {
		if p.Type == "parser" {
			return errs.Field(errs.Invalid, "sql", "%s", p.Message)
		}
		return errs.Field(errs.Invalid, "sql", "only SELECT can be asked here: nothing that writes, sets or loads")
	}
	var statements []any
	d := json.NewDecoder(bytes.NewReader(p.Statements))
	d.UseNumber()
	if err := d.Decode(&statements); err != nil {
		return errs.Field(errs.Invalid, "sql", "is nested too deeply")
	}
	if len(statements) != 1 {
		return errs.Field(errs.Invalid, "sql", "holds %d statements; give exactly one", len(statements))
	}
	return b.inside(statements[0])
}

// inside looks at every part of a statement.
func (b *Bounds) inside(node any) error {
	switch n := node.(type) {
	case []any:
		for _, child := range n {
			if err := b.inside(child); err != nil {
				return err
			}
		}
	case map[string]any:
		if err := b.allowed(n); err != nil {
			return err
		}
		for _, child := range n {
			if err := b.inside(child); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *Bounds) allowed(n map[string]any) error {
	text := func(of map[string]any, name string) string {
		s, _ := of[name].(string)
		return strings.ToLower(s)
	}
	switch {
	case n["type"] == "TABLE_FUNCTION":
		f, _ := n["function"].(map[string]any)
		if name := text(f, "function_name"); !slices.Contains(tableFunctions, name) && (b.Function == nil || !b.Function(name)) {
			return errs.Field(errs.Forbidden, "sql", "the table function %q may not be asked", name)
		}
	case n["type"] == "BASE_TABLE":
		name := text(n, "table_name")
		own := strings.HasPrefix(name, "duckdb_") || strings.HasPrefix(name, "pragma_")
		if own && !slices.Contains(readable, name) || b.Private(text(n, "schema_name"), name) {
			return errs.Field(errs.Forbidden, "sql", "%q may not be asked", name)
		}
	case n["class"] == "FUNCTION":
		if name := text(n, "function_name"); slices.Contains(barred, name) {
			return errs.Field(errs.Forbidden, "sql", "the function %q may not be asked", name)
		}
	}
	return nil
}
