package statetest

import (
	"encoding/json"
	"math"
	"strings"
	"time"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/state"
)

var hostile = []string{"", " ", "'", `"`, "''; drop table todos; --", "%_\\", "\x01\x7f", "\n\r\t", "\u00e9", "e\u0301", "☃ 🙂 \U0010FFFF", "\ufffd\ufeff", "NULL", "null", "0x00", "1e5", "ÅLPHA", strings.Repeat("long ", 200_000)}

var values = []rule{
	{"text comes back as it was given", func(s *subject) {
		r := s.todos()
		for _, v := range hostile {
			s.equal(s.rec(r.Put(s.ctx, state.Row{"id": "a", "body": v})).Row["body"], v)
			s.equal(s.rec(r.Latest(s.ctx, "a")).Row["body"], v)
		}
	}},
	{"keys and owners may be any text", func(s *subject) {
		r := s.todos()
		for _, v := range hostile[:len(hostile)-1] {
			s.append(r, v, state.Row{"user_id": v, "body": v})
		}
		for _, v := range hostile[:len(hostile)-1] {
			s.equal(s.rec(r.As(v).Latest(s.ctx, v)).Row["body"], v)
		}
	}},
	{"numbers, times and bytes come back exactly", func(s *subject) {
		r := s.todos()
		for column, list := range map[string][]any{
			"priority": {int64(0), int64(math.MaxInt64), int64(math.MinInt64), int64(1<<53 + 1), int64(-1)},
			"score":    {0.0, 0.1, 1.0, -1.5, 5e-324, math.MaxFloat64, 1e15 + 0.3, float64(1 << 60)},
			"done":     {true, false},
			"due":      {time.Date(1, 1, 1, 0, 0, 0, 1000, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC), time.Unix(0, 0).UTC(), time.Date(1969, 12, 31, 23, 59, 59, 999999000, time.UTC)},
			"data":     {[]byte{}, []byte{0}, []byte("\x00\xff'\n"), []byte(strings.Repeat("\x00b", 300_000))},
			"labels":   {json.RawMessage(`[]`), json.RawMessage(`["a,b",""]`), json.RawMessage(`{"b":1.50,"a":1e400,"b":12345678901234567890}`), json.RawMessage(`"x"`), json.RawMessage(`false`), json.RawMessage(`-0`), json.RawMessage(`["😀","é"]`)},
		} {
			for _, v := range list {
				s.equal(s.rec(r.Put(s.ctx, state.Row{"id": "a", column: v})).Row[column], v)
				s.equal(s.rec(r.Latest(s.ctx, "a")).Row[column], v)
			}
		}
	}},
	{"values are brought into their types", func(s *subject) {
		r := s.todos()
		berlin := time.FixedZone("", 3600)
		n, none := 7, (*int)(nil)
		for _, c := range []struct {
			column      string
			given, want any
		}{
			{"priority", 3, int64(3)}, {"priority", uint8(3), int64(3)}, {"priority", 3.0, int64(3)}, {"priority", json.Number("9007199254740993"), int64(9007199254740993)},
			{"priority", json.Number("3.0"), int64(3)}, {"priority", &n, int64(7)}, {"priority", none, nil},
			{"score", 3, 3.0}, {"score", json.Number("0.1"), 0.1}, {"score", float32(0.5), 0.5}, {"score", math.Copysign(0, -1), 0.0},
			{"due", time.Date(2026, 1, 1, 1, 0, 0, 1999, berlin), time.Date(2026, 1, 1, 0, 0, 0, 1000, time.UTC)},
			{"due", "2026-01-01T01:00:00.5+01:00", time.Date(2026, 1, 1, 0, 0, 0, 5e8, time.UTC)}, {"due", "2026-01-01 00:00:00.000001", time.Date(2026, 1, 1, 0, 0, 0, 1000, time.UTC)},
			{"data", "AAE=", []byte{0, 1}}, {"data", []byte(nil), nil},
			{"labels", []string{"a,b", ""}, json.RawMessage(`["a,b",""]`)}, {"labels", map[string]any{"<": nil}, json.RawMessage(`{"<":null}`)},
			{"labels", json.RawMessage(" [ 1.50 ,\n2 ] "), json.RawMessage(`[1.50,2]`)}, {"labels", json.RawMessage("null"), nil}, {"labels", []string(nil), nil},
			{"BODY", "case", "case"},
		} {
			got := s.rec(r.Put(s.ctx, state.Row{"id": "a", c.column: c.given}))
			s.equal(got.Row[strings.ToLower(c.column)], c.want)
			s.equal(s.rec(r.Latest(s.ctx, "a")).Row[strings.ToLower(c.column)], c.want)
		}
	}},
	{"what a column cannot hold is refused and named", func(s *subject) {
		r := s.todos()
		for _, c := range []struct {
			column string
			given  any
		}{
			{"body", "a\x00b"}, {"body", "\xff"}, {"body", 1}, {"body", json.Number("1")}, {"body", []byte("x")}, {"body", time.Now()},
			{"priority", 1.5}, {"priority", "1"}, {"priority", uint64(math.MaxUint64)}, {"priority", json.Number("9223372036854775808")}, {"priority", json.Number("1e999999999")}, {"priority", 1e300},
			{"score", math.NaN()}, {"score", math.Inf(1)}, {"score", "1"}, {"score", json.Number("1e400")}, {"score", true},
			{"done", 1}, {"done", "true"}, {"due", "yesterday"}, {"due", 1}, {"due", time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}, {"due", time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC)},
			{"data", 1}, {"data", "no base64!"}, {"labels", json.RawMessage(`{`)}, {"labels", json.RawMessage(`"\u0000"`)}, {"labels", json.RawMessage(`"\ud800"`)},
			{"labels", "a\x00"}, {"labels", []float64{math.NaN()}}, {"labels", func() {}}, {"labels", json.RawMessage(strings.Repeat("[", 101) + strings.Repeat("]", 101))}, {"labels", json.RawMessage(``)},
			{"missing", 1}, {"_version", 1}, {"body; --", "x"}, {"", "x"},
		} {
			_, err := r.Append(s.ctx, state.Row{"id": "a", c.column: c.given})
			s.field(errs.Invalid, c.column, err)
		}
		_, err := r.Append(s.ctx, state.Row{"id": "a", "body": "x", "Body": "y"})
		s.kind(errs.Invalid, err)
		has, err := r.Contains(s.ctx, "a")
		s.must(err)
		s.equal(has, false)
	}},
	{"what was given may change afterwards", func(s *subject) {
		r := s.todos()
		data, row := []byte("abc"), state.Row{"id": "a"}
		row["data"] = data
		got := s.rec(r.Append(s.ctx, row))
		data[0] = 'X'
		got.Row["data"].([]byte)[1] = 'Y'
		s.equal(s.rec(r.Latest(s.ctx, "a")).Row["data"], []byte("abc"))
	}},
	{"a record is JSON in the order of the columns", func(s *subject) {
		r := s.todos()
		got := s.rec(r.By("x").Append(s.ctx, state.Row{"id": "a", "body": "<b>", "data": []byte{1}, "labels": []string{"l"}}))
		raw, err := json.Marshal(got)
		s.must(err)
		want := `{"id":"a","user_id":null,"body":"\u003cb\u003e","priority":null,"score":null,"done":null,"due":null,"data":"AQ==","labels":["l"],"_seq":`
		if !strings.HasPrefix(string(raw), want) || !strings.HasSuffix(string(raw), `"_op":"append","_actor":"x"}`) {
			s.Fatalf("got %s", raw)
		}
	}},
}
