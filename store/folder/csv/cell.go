package csv

import (
	"encoding/base64"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/query"
)

// value is what a field of a column says, in the form of the port of queries.
func value(t query.Type, f *field) (any, error) {
	if f.null() {
		return nil, nil
	}
	switch t.Kind {
	case query.Text:
		return f.text, nil
	case query.Integer:
		n, err := strconv.ParseInt(f.text, 10, 64)
		if err == nil {
			return n, nil
		}
	case query.Real:
		n, err := strconv.ParseFloat(f.text, 64)
		if err == nil && !math.IsInf(n, 0) && !math.IsNaN(n) {
			return n + 0, nil // -0 is 0
		}
	case query.Boolean:
		if b := booleans[f.text]; b != nil {
			return b, nil
		}
	case query.JSON, query.Vector, query.Tensor:
		return t.Value(json.RawMessage(f.text))
	default:
		return t.Value(f.text)
	}
	return nil, errs.New(errs.Invalid, "is of type %s, and not so written", t)
}

// timeForm is how times are written.
const timeForm = "2006-01-02T15:04:05.999999Z07:00"

// append writes a value as a field of a column.
func (d Dialect) append(b []byte, t query.Type, v any) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return b, nil
	case int64:
		return strconv.AppendInt(b, v, 10), nil
	case bool:
		return strconv.AppendBool(b, v), nil
	case time.Time:
		return v.AppendFormat(b, timeForm), nil
	case float64:
		from := len(b)
		b = strconv.AppendFloat(b, v, 'g', -1, 64)
		if !strings.ContainsAny(string(b[from:]), ".e") {
			b = append(b, ".0"...) // so that other programs see a real as well
		}
		return b, nil
	case string:
		return d.quote(b, v), nil
	case json.RawMessage:
		return d.quote(b, string(v)), nil
	case []float32:
		list := []byte{'['}
		for i, f := range v {
			if i > 0 {
				list = append(list, ',')
			}
			list = strconv.AppendFloat(list, float64(f), 'g', -1, 32)
		}
		return d.quote(b, string(append(list, ']'))), nil
	case []byte:
		if t.Kind == query.Tensor {
			lists, err := query.Array{Type: t, Data: v}.MarshalJSON()
			return d.quote(b, string(lists)), err
		}
		return d.quote(b, base64.StdEncoding.EncodeToString(v)), nil
	}
	return b, errs.New(errs.Internal, "a value of Go's type %T has no form in CSV", v)
}

// quote writes a text, in quotes where it would be read as another, or as
// nothing.
func (d Dialect) quote(b []byte, text string) []byte {
	plain := text != "" && text[0] != ' ' && text[len(text)-1] != ' ' && !strings.HasPrefix(text, bom)
	for i := 0; plain && i < len(text); i++ {
		switch text[i] {
		case '"', '\n', '\r', ',', ';', '\t', d.Comma:
			plain = false
		}
	}
	if plain {
		return append(b, text...)
	}
	b = append(b, '"')
	for {
		before, after, more := strings.Cut(text, `"`)
		b = append(b, before...)
		if !more {
			return append(b, '"')
		}
		b, text = append(b, `""`...), after
	}
}
