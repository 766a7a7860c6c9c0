package querytest

import (
	"bytes"
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"time"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/query"
)

var (
	file  = "&:blob:" + strings.Repeat("0123456789abcdef", 4)
	file2 = "&:blob:" + strings.Repeat("fedcba9876543210", 4)
)

func day(n int) time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC).AddDate(0, 0, n) }

func array[T query.Number](numbers []T, shape ...int) query.Array {
	a, err := query.ArrayOf(numbers, shape...)
	if err != nil {
		panic(err)
	}
	return a
}

// extremes are values of each type that come back as they went.
var extremes = map[string][]any{
	"text":    {"", " ", "a\nb\tc\r", "trailing ", "'; drop table docs; --", `\`, `\\`, "%_", "null", "🙂é\u0301", "\u2028\ufeff", "\x01\x7f", "1", "2026-01-02T03:04:05Z", strings.Repeat("ä", 1<<19)},
	"integer": {int64(0), int64(-1), int64(math.MaxInt64), int64(math.MinInt64), int64(1<<53 + 1), int64(-(1<<53 + 1)), int64(math.MaxInt32) + 1},
	"real": {0.0, 0.1, -0.1, 1.0, 1e-300, 2.2250738585072014e-308, 1.7976931348623157e308, -1.7976931348623157e308, 1.0 / 3, 123456789.123456789,
		9007199254740993.0, 3.141592653589793, 1e22, 5e-5},
	"boolean": {true, false},
	"time": {day(0), time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC),
		time.Date(1969, 12, 31, 23, 59, 59, 999_999_000, time.UTC), time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 3, 29, 2, 30, 0, 1000, time.UTC),
		time.Date(1582, 10, 10, 0, 0, 0, 0, time.UTC), time.Date(1900, 2, 28, 12, 0, 0, 120_000, time.UTC)},
	"bytes": {[]byte{}, []byte{0}, []byte{0, 255, 128, 39, 92}, bytes.Repeat([]byte{0, 1, 254}, 1<<18), []byte("text")},
	"json": {json.RawMessage(`{}`), json.RawMessage(`[]`), json.RawMessage(`"text"`), json.RawMessage(`""`), json.RawMessage(`0`), json.RawMessage(`-1.5`), json.RawMessage(`true`), json.RawMessage(`false`),
		json.RawMessage(`[1,[2,[3,{"a":null}]]]`), json.RawMessage(`{"a":{"b":[]},"é":"🙂","":1,"q\"":"\\"}`), json.RawMessage(`"<&>"`), json.RawMessage(`9007199254740991`)},
	"vector[3]":           {[]float32{0, -1.5, 3.4028234663852886e38}, []float32{1e-38, 0.1, 1.0 / 3}},
	"tensor[f32:2,2]":     {array([]float32{1, 2, 3.5, -4}, 2, 2)},
	"tensor[f64:3]":       {array([]float64{0.1, 1e300, -5e-324}, 3)},
	"tensor[int64:1,2,2]": {array([]int64{math.MaxInt64, math.MinInt64, 0, 1}, 1, 2, 2)},
	"tensor[int32:2]":     {array([]int32{math.MaxInt32, math.MinInt32}, 2)},
	"tensor[uint8:2,3]":   {array([]uint8{0, 255, 1, 2, 3, 4}, 2, 3)},
	"file":                {file, file2},
}

// same compares values; JSON may be spaced and ordered otherwise.
func same(a, b any) bool {
	x, isJSON := a.(json.RawMessage)
	y, both := b.(json.RawMessage)
	if isJSON && both {
		return canonical(x) == canonical(y)
	}
	if t, ok := a.(time.Time); ok {
		u, ok := b.(time.Time)
		return ok && t.Equal(u) && u.Location() == time.UTC
	}
	return reflect.DeepEqual(a, b)
}

func canonical(raw json.RawMessage) string {
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		return "no JSON: " + string(raw)
	}
	out, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(out)
}

var values = []rule{
	{name: "values of every type come back as they went", test: func(s *subject) {
		for typ, list := range extremes {
			name := strings.NewReplacer("[", " ", "]", "", ":", " ", ",", " ").Replace(typ)
			s.declare(name, "id integer", "v "+typ)
			var rows []query.Row
			for i, v := range list {
				rows = append(rows, query.Row{"id": i, "v": v})
			}
			s.insert(name, append(rows, query.Row{"id": len(list), "v": nil})...)
			got := s.column(query.From(name), "v")
			for i, want := range append(list, nil) {
				if !same(want, got[i]) {
					s.Errorf("%s %d: %.100v (%T) came back as %.100v (%T)", typ, i, want, want, got[i], got[i])
				}
			}
		}
	}},
	{name: "values of every type are set by an update", test: func(s *subject) {
		columns, row := []string{"id text"}, query.Row{"id": "a"}
		for typ := range extremes {
			columns = append(columns, typ+" "+typ)
		}
		s.declare("docs", columns...)
		s.insert("docs", row)
		change := query.Change("docs").Where(query.Eq("id", "a"))
		for typ, list := range extremes {
			change = change.Set(typ, list[len(list)-1])
		}
		s.do(change)
		got := s.rows(query.From("docs"))[0]
		for typ, list := range extremes {
			if want := list[len(list)-1]; !same(want, got[typ]) {
				s.Errorf("%s: %.100v came back as %.100v", typ, want, got[typ])
			}
		}
		for typ := range extremes {
			change = change.Set(typ, nil)
		}
		s.do(change)
		for name, v := range s.rows(query.From("docs"))[0] {
			if name != "id" && name != query.Fold && v != nil {
				s.Errorf("%s is %v, not NULL", name, v)
			}
		}
	}},
	{name: "what is found by its value is what was stored", test: func(s *subject) {
		for _, typ := range []string{"text", "integer", "real", "boolean", "time", "bytes", "file"} {
			s.declare(typ+"s", "id integer", "v "+typ)
			for i, v := range extremes[typ] {
				s.insert(typ+"s", query.Row{"id": i, "v": v})
			}
			for i, v := range extremes[typ] {
				got := s.column(query.From(typ+"s").Where(query.Eq("v", v)).Select("id"), "id")
				if len(got) != 1 || got[0] != int64(i) {
					s.Errorf("%s: rows %v have the value %.60v, want %d", typ, got, v, i)
				}
			}
		}
	}},
	{name: "JSON of a megabyte", test: func(s *subject) {
		list := make([]string, 1<<16)
		for i := range list {
			list[i] = strings.Repeat(string(rune('a'+i%26)), 14)
		}
		raw, err := json.Marshal(map[string]any{"list": list})
		s.must(err)
		s.insert("docs", query.Row{"id": "a", "j": json.RawMessage(raw)})
		got := s.column(query.From("docs"), "j")[0].(json.RawMessage)
		s.equal(canonical(got) == canonical(raw), true)
		s.equal(s.column(query.From("docs").Where(query.Eq("j.list.65535", list[65535])), "id"), []any{"a"})
	}},
	{name: "a vector of a thousand numbers", test: func(s *subject) {
		v := make([]float32, 1024)
		for i := range v {
			v[i] = float32(math.Sin(float64(i)))
		}
		s.insert("docs", query.Row{"v": v})
		s.equal(s.column(query.From("docs"), "v"), []any{v})
	}},
	{name: "what no database holds is refused and named", test: func(s *subject) {
		s.declare("docs", "id text", "t text", "r real", "i integer", "at time", "j json", "v vector[2]", "u tensor[uint8:2]", "f file", "x bytes")
		for _, row := range []query.Row{
			{"t": "a\x00b"}, {"t": "\xff"}, {"r": math.NaN()}, {"r": math.Inf(1)}, {"i": 0x1.8p60}, {"i": json.Number("9223372036854775808")},
			{"at": "yesterday"}, {"at": time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}, {"j": json.RawMessage(`{`)}, {"j": map[string]any{"a": "\x00"}}, {"j": json.RawMessage(`"\ud800"`)},
			{"v": []float32{1}}, {"v": []float64{1, 1e300}}, {"v": []any{1, nil}}, {"u": []int{1, 256}}, {"u": []byte{1}}, {"f": "a"}, {"x": "not base64!"}, {"id": strings.Repeat("k", query.MaxKey+1)},
		} {
			for name := range row {
				err := s.fails(query.Into("docs").Rows(query.Row{"id": "fine"}, row))
				if errs.KindOf(err) == errs.TooLarge {
					s.field(errs.TooLarge, "rows[1]."+name, err)
				} else {
					s.field(errs.Invalid, "rows[1]."+name, err)
				}
			}
		}
		s.equal(s.count("docs"), 0)
	}},
	{name: "keys are as long as they may be, and told apart by every byte", test: func(s *subject) {
		long := strings.Repeat("k", query.MaxKey-1)
		keys := []string{long + "a", long + "b", strings.Repeat("🙂", query.MaxKey/4), "a", "A", "a ", "á", "a\u0301", "ß", "ss", "1", "01", "\x01"}
		for _, key := range keys {
			s.insert("docs", query.Row{"id": key, "t": key})
		}
		for _, key := range keys {
			s.equal(s.column(query.From("docs").Where(query.Eq("id", key)), "t"), []any{key})
		}
		s.equal(s.count("docs"), len(keys))
	}},
}
