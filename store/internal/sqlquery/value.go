package sqlquery

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/query"
)

// Vector is a vector as bytes: numbers of 32 bits, little-endian.
func Vector(v []float32) []byte {
	out := make([]byte, 0, 4*len(v))
	for _, f := range v {
		out = binary.LittleEndian.AppendUint32(out, math.Float32bits(f))
	}
	return out
}

func vector(raw []byte) []float32 {
	out := make([]float32, len(raw)/4)
	for i := range out {
		out[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
	}
	return out
}

// Value gives what a driver read the type that the port has: nil, int64,
// float64, bool, string, []byte or time.Time become a value of the column, or
// of the place in it. Texts and bytes must be the caller's to keep.
func (o *Output) Value(v any) (any, error) {
	if o.Mend != nil && v != nil {
		text, _ := text(v)
		v = o.Mend(text)
	}
	if v == nil {
		return nil, nil
	}
	value, ok := o.value(v)
	if !ok {
		return nil, errs.Field(errs.Invalid, o.Name, "holds a value that is no %s; ask for it in the database's own language", o.Type)
	}
	if len(o.Path) > 0 {
		raw, _ := value.(json.RawMessage)
		if found := At(raw, o.Path); found != nil {
			return compact(found), nil
		}
		return nil, nil
	}
	return value, nil
}

func (o *Output) value(v any) (any, bool) {
	switch o.Type.Kind {
	case query.Text, query.File:
		return text(v)
	case query.Integer:
		return integer(v)
	case query.Real:
		return float(v)
	case query.Boolean:
		return boolean(v)
	case query.Time:
		return Moment(v)
	case query.JSON:
		return o.json(v)
	}
	raw, ok := v.([]byte)
	if s, is := v.(string); is {
		raw, ok = []byte(s), true
	}
	switch {
	case !ok || o.Type.Kind != query.Bytes && len(raw) != o.Type.Size():
		return nil, false
	case o.Type.Kind == query.Vector:
		return vector(raw), true
	}
	return raw, true
}

func (o *Output) json(v any) (any, bool) {
	s, ok := text(v)
	raw := json.RawMessage(s)
	if ok && o.Own {
		return raw, true
	}
	if !ok || !json.Valid(raw) {
		return nil, false
	}
	return compact(raw), true
}

func compact(raw json.RawMessage) json.RawMessage {
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil {
		return raw
	}
	return b.Bytes()
}

func text(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case []byte:
		return string(v), true
	case int64:
		return strconv.FormatInt(v, 10), true
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64), true
	case bool:
		return strconv.FormatBool(v), true
	}
	return "", false
}

func integer(v any) (int64, bool) {
	switch v := v.(type) {
	case int64:
		return v, true
	case float64:
		return int64(v), v == math.Trunc(v) && math.Abs(v) < 1<<63
	case string:
		n, err := strconv.ParseInt(v, 10, 64)
		return n, err == nil
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	}
	return 0, false
}

func float(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, !math.IsNaN(v) && !math.IsInf(v, 0)
	case int64:
		return float64(v), true
	case string:
		f, err := strconv.ParseFloat(v, 64)
		return f, err == nil && !math.IsNaN(f) && !math.IsInf(f, 0)
	}
	return 0, false
}

func boolean(v any) (bool, bool) {
	switch v := v.(type) {
	case bool:
		return v, true
	case int64:
		return v != 0, true
	case float64:
		return v != 0, true
	case string:
		switch strings.ToLower(v) {
		case "1", "t", "true":
			return true, true
		case "0", "f", "false":
			return false, true
		}
	}
	return false, false
}

// Moment reads a time, as time.Time, or as text in one of the forms that
// databases give it.
func Moment(v any) (time.Time, bool) {
	switch v := v.(type) {
	case time.Time:
		return v.UTC(), true
	case string:
		for _, layout := range layouts {
			if t, err := time.Parse(layout, v); err == nil {
				return t.UTC().Truncate(time.Microsecond), true
			}
		}
	}
	return time.Time{}, false
}

var layouts = []string{"2006-01-02T15:04:05Z07:00", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05Z07", "2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02"}
