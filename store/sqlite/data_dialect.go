package sqlite

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/varvedb/varve/query"
	"github.com/varvedb/varve/store/internal/sqlcore"
	"github.com/varvedb/varve/store/internal/sqlquery"
)

// dataTime is how times are kept: text that sorts, and that SQLite's own
// functions read.
const dataTime = "2006-01-02T15:04:05.000000Z"

// What JSON holds and which texts match, functions in Go say: SQLite has its
// own ideas of escapes, numbers and case.
var dataDialect = sqlquery.Dialect{
	Param:   func(n int, _ query.Kind) string { return "?" + strconv.Itoa(n) },
	Name:    sqlcore.Quote,
	Table:   sqlcore.Quote,
	Bind:    dataBind,
	Compare: dataCompare,
	At: func(expr string, path []string, k query.Kind, param func(any, query.Kind) string) string {
		return "varve_at(" + expr + "," + param(strings.Join(path, "\x00"), query.Text) + ",'" + string(k) + "')"
	},
	Same:    func(a, b string) string { return a + " IS " + b },
	Matches: func(expr, pattern string) string { return "varve_like(" + expr + "," + pattern + ")" },
	Holds:   func(expr, needle string) string { return "instr(" + expr + "," + needle + ")>0" },
	Has: func(expr string, value any, param func(any, query.Kind) string) string {
		if b, ok := value.(bool); ok {
			mark := "x''"
			if b {
				mark = "x'01'"
			}
			return "varve_has(" + expr + "," + mark + ")"
		}
		return "varve_has(" + expr + "," + param(value, query.Text) + ")"
	},
	Among:  dataAmong,
	Params: 32766,
	Sort: func(expr string, descending, nullable bool) string {
		switch {
		case nullable && descending:
			return expr + " DESC NULLS FIRST"
		case nullable:
			return expr + " NULLS LAST"
		case descending:
			return expr + " DESC"
		}
		return expr
	},
	All: "-1",
}

func dataBind(v any, t query.Type) any {
	switch v := v.(type) {
	case bool:
		if v {
			return int64(1)
		}
		return int64(0)
	case time.Time:
		return v.UTC().Format(dataTime)
	case json.RawMessage:
		return string(v)
	case []float32:
		return sqlquery.Vector(v)
	}
	return v
}

// dataCompare brings columns that others declared to what ours are by
// themselves.
func dataCompare(expr string, c *sqlquery.Column, _ bool) string {
	if c.Own {
		return expr
	}
	switch c.Type.Kind {
	case query.Text, query.File:
		return expr + " COLLATE BINARY"
	case query.Time:
		return "varve_time(" + expr + ")"
	}
	return expr
}

// long is how many members a list has whose statement is not worth keeping.
const long = 500

// dataAmong makes one parameter of a long list.
func dataAmong(expr string, values []any, t query.Type, param func(any, query.Kind) string) string {
	if len(values) < long || t.Kind != query.Text && t.Kind != query.Integer && t.Kind != query.File {
		return ""
	}
	list, err := json.Marshal(values)
	if err != nil {
		return ""
	}
	return "(" + expr + " IN (SELECT value FROM json_each(" + param(string(list), query.JSON) + ")))"
}

// dataFunctions are those that statements of questions call.
func (c *conn) dataFunctions() error {
	for _, f := range []struct {
		name string
		args int
		fn   sqlite3.ScalarFunction
	}{
		{"varve_at", 3, jsonAt},
		{"varve_has", 2, jsonHas},
		{"varve_like", 2, likePattern},
		{"varve_noun", 2, nounValue},
		{"varve_micros", 1, microsText},
	} {
		if err := c.db.CreateFunction(f.name, f.args, sqlite3.DETERMINISTIC, f.fn); err != nil {
			return err
		}
	}
	return nil
}

// jsonAt is varve_at(json, path, kind).
func jsonAt(ctx sqlite3.Context, arg ...sqlite3.Value) {
	if arg[0].Type() == sqlite3.NULL {
		return
	}
	path, _ := ctx.GetAuxData(1).([]string)
	if path == nil {
		path = strings.Split(arg[1].Text(), "\x00")
		ctx.SetAuxData(1, path)
	}
	found := sqlquery.At(arg[0].RawText(), path)
	if found == nil {
		return
	}
	kind := query.Kind(arg[2].Text())
	if kind == query.JSON {
		ctx.ResultText(string(found))
		return
	}
	switch v := sqlquery.Scalar(found).(type) {
	case string:
		if kind == query.Text {
			ctx.ResultText(v)
		}
	case float64:
		if kind == query.Real {
			ctx.ResultFloat(v)
		}
	case bool:
		if kind == query.Boolean {
			ctx.ResultBool(v)
		}
	}
}

// jsonHas is varve_has(json, value); booleans come as blobs of one byte, since
// SQLite has none.
func jsonHas(ctx sqlite3.Context, arg ...sqlite3.Value) {
	if arg[0].Type() == sqlite3.NULL {
		return
	}
	var value any
	switch arg[1].Type() {
	case sqlite3.TEXT:
		value = arg[1].Text()
	case sqlite3.INTEGER, sqlite3.FLOAT:
		value = arg[1].Float()
	case sqlite3.BLOB:
		value = len(arg[1].RawBlob()) > 0
	}
	ctx.ResultBool(sqlquery.Has(arg[0].RawText(), value))
}

// likePattern is varve_like(text, pattern).
func likePattern(ctx sqlite3.Context, arg ...sqlite3.Value) {
	if arg[0].Type() != sqlite3.NULL && arg[1].Type() != sqlite3.NULL {
		ctx.ResultBool(sqlquery.Matches(arg[0].Text(), arg[1].Text()))
	}
}

// microsText is varve_micros(n): text of a time in microseconds since 1970.
func microsText(ctx sqlite3.Context, arg ...sqlite3.Value) {
	if arg[0].Type() != sqlite3.NULL {
		ctx.ResultText(time.UnixMicro(arg[0].Int64()).UTC().Format(dataTime))
	}
}

// nounValue is varve_noun(text, kind): a field of conversations in the form
// that questions see, out of any of the forms in which it is stored.
func nounValue(ctx sqlite3.Context, arg ...sqlite3.Value) {
	if arg[0].Type() == sqlite3.NULL {
		return
	}
	switch v := sqlcore.Plain(arg[0].Text(), arg[1].Text()).(type) {
	case string:
		ctx.ResultText(v)
	case int64:
		ctx.ResultInt64(v)
	case bool:
		ctx.ResultBool(v)
	}
}
