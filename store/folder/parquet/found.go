package parquet

import (
	"encoding/base64"
	"encoding/json"
	"strconv"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"github.com/varvedb/varve/query"
)

// found is what the values of a column turned out to be.
type found struct {
	kind   query.Kind // of those that are not NULL; "" before the first
	long   bool       // an integer is over those of 64 bits, or a time has nanoseconds
	vector int        // all are lists of so many floating numbers; -1: they are not
}

// see brings a value nearer to the form of the port, and remembers what it is.
func (f *found) see(v any, nested bool) (any, error) {
	if v == nil {
		return nil, nil
	}
	if nested {
		f.kind = query.JSON
		list, ok := vector(v)
		switch {
		case ok && (f.vector == 0 || f.vector == len(list)):
			f.vector = len(list)
			return list, nil
		default:
			f.vector = -1
		}
		return v, nil
	}
	switch x := v.(type) {
	case bool:
		f.kind = query.Boolean
	case int64:
		f.kind = query.Integer
	case uint64:
		f.kind, f.long = query.Integer, true
	case float32:
		f.kind = query.Real
		return float64(x), nil
	case float64:
		f.kind = query.Real
	case string:
		f.kind = query.Text
	case []byte:
		f.kind = query.Bytes
	case json.RawMessage:
		f.kind, f.vector = query.JSON, -1
		return query.Type{Kind: query.JSON}.Value(x)
	case time.Time:
		f.kind = query.Time
		f.long = f.long || !inYears(x)
	case nano:
		f.kind = query.Time
		f.long = f.long || !inYears(time.Time(x)) || time.Time(x).Nanosecond()%1000 != 0
	}
	return v, nil
}

func inYears(t time.Time) bool { return t.Year() >= 1 && t.Year() <= 9999 }

// vector is a list of floating numbers of 32 bits.
func vector(v any) ([]float32, bool) {
	list, ok := v.([]any)
	if !ok || len(list) == 0 {
		return nil, false
	}
	out := make([]float32, len(list))
	for i, item := range list {
		if out[i], ok = item.(float32); !ok {
			return nil, false
		}
	}
	return out, true
}

// columns settles the types of the columns, and brings the values into them. A
// column without values has the type of the first that one could be.
func (r *reader) columns(rows [][]any) []query.Column {
	columns := make([]query.Column, len(r.fields))
	for i, f := range r.fields {
		columns[i] = query.Column{Name: f.name, Type: f.found.settled()}
		t := columns[i].Type
		for _, row := range rows {
			row[i] = settle(t, row[i])
		}
	}
	return columns
}

func (f *found) settled() query.Type {
	switch {
	case f.kind == "" || f.long:
		return query.Type{Kind: query.Text}
	case f.kind == query.JSON && f.vector > 0:
		return query.Type{Kind: query.Vector, Shape: []int{f.vector}}
	}
	return query.Type{Kind: f.kind}
}

// settle brings a value into the type of its column.
func settle(t query.Type, v any) any {
	switch x := v.(type) {
	case int64:
		if t.Kind == query.Text {
			return strconv.FormatInt(x, 10)
		}
	case uint64:
		return strconv.FormatUint(x, 10)
	case time.Time:
		if t.Kind == query.Text {
			return x.Format(time.RFC3339Nano)
		}
	case nano:
		if t.Kind == query.Text {
			return time.Time(x).Format(time.RFC3339Nano)
		}
		return time.Time(x)
	case []float32:
		if t.Kind == query.JSON {
			return encoded(x)
		}
	case []any, map[string]any:
		return encoded(x)
	}
	return v
}

// encoded is a list or a record as JSON.
func encoded(v any) json.RawMessage {
	raw, err := json.Marshal(written(v))
	if err != nil {
		panic(err) // which is caught, and told as a file that cannot be read
	}
	return raw
}

// written gives what is within a list or a record its form in JSON.
func written(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = written(v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = written(v[name])
		}
	case []byte:
		return base64.StdEncoding.EncodeToString(v)
	case time.Time:
		return v.Format(time.RFC3339Nano)
	case nano:
		return time.Time(v).Format(time.RFC3339Nano)
	}
	return v
}

// isList tells whether a group is only the frame of a list.
func isList(n parquet.Node) bool {
	l := n.Type().LogicalType()
	if l == nil {
		return false
	}
	switch l.Value.(type) {
	case *format.ListType:
		return true
	}
	return false
}

// unframed takes the frames off the items of a list.
func unframed(list []any, item parquet.Node) []any {
	if item.Leaf() || len(item.Fields()) != 1 {
		return list
	}
	name := item.Fields()[0].Name()
	for i := range list {
		if object, ok := list[i].(map[string]any); ok {
			list[i] = object[name]
		}
	}
	return list
}
