package query_test

import (
	"encoding/json"
	"errors"
	"math"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/query"
)

func typed(t *testing.T, text string) query.Type {
	t.Helper()
	typ, err := query.ParseType(text)
	if err != nil {
		t.Fatal(err)
	}
	return typ
}

type (
	named   string
	counted uint8
)

var (
	digest = "&:blob:" + strings.Repeat("0f", 32)
	noon   = time.Date(2026, 1, 2, 12, 0, 0, 123456789, time.FixedZone("", 3600))
	pixel  = query.Array{Type: query.Type{Kind: query.Tensor, Elem: "uint8", Shape: []int{1, 2}}, Data: []byte{7, 255}}
)

func TestValuesAreBroughtIntoTheirColumnsType(t *testing.T) {
	five := 5
	for _, c := range []struct {
		typ         string
		given, want any
	}{
		{"text", "a", "a"}, {"text", named("b"), "b"}, {"text", json.RawMessage(`"c\n"`), "c\n"}, {"text", netip.MustParseAddr("::1"), "::1"}, {"text", (*string)(nil), nil}, {"text", json.RawMessage("null"), nil},
		{"integer", &five, int64(5)}, {"integer", counted(7), int64(7)}, {"integer", 3.0, int64(3)}, {"integer", json.Number("9223372036854775807"), int64(math.MaxInt64)},
		{"integer", json.Number("1e3"), int64(1000)}, {"integer", json.RawMessage("-4"), int64(-4)},
		{"real", 1, 1.0}, {"real", float32(0.5), 0.5}, {"real", json.Number("1e-5"), 1e-5}, {"real", math.Copysign(0, -1), 0.0},
		{"boolean", true, true}, {"boolean", json.RawMessage("false"), false},
		{"time", noon, time.Date(2026, 1, 2, 11, 0, 0, 123456000, time.UTC)}, {"time", "2026-01-02T12:00:00+01:00", time.Date(2026, 1, 2, 11, 0, 0, 0, time.UTC)},
		{"time", "2026-01-02 03:04:05", time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}, {"time", "2026-01-02", time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)},
		{"bytes", []byte{1}, []byte{1}}, {"bytes", "AQ==", []byte{1}}, {"bytes", []byte{}, []byte{}}, {"bytes", []byte(nil), nil},
		{"json", map[string]any{"b": 1, "a": "<"}, json.RawMessage(`{"a":"<","b":1}`)}, {"json", json.RawMessage(` { "b" : 1.50, "a":[ ] } `), json.RawMessage(`{"b":1.50,"a":[]}`)},
		{"json", []int(nil), nil}, {"json", "x", json.RawMessage(`"x"`)}, {"json", json.Number("1.50"), json.RawMessage(`1.50`)}, {"json", noon.UTC(), json.RawMessage(`"2026-01-02T11:00:00.123456789Z"`)},
		{"vector[2]", []float32{1, 2}, []float32{1, 2}}, {"vector[2]", []float64{1, 0.5}, []float32{1, 0.5}}, {"vector[2]", []any{1, json.Number("2.5")}, []float32{1, 2.5}}, {"vector[2]", json.RawMessage(`[1,2]`), []float32{1, 2}}, {"vector[2]", [2]int{3, 4}, []float32{3, 4}},
		{"tensor[uint8:1,2]", pixel, []byte{7, 255}}, {"tensor[uint8:1,2]", json.RawMessage(`[[7,255]]`), []byte{7, 255}}, {"tensor[uint8:1,2]", [][]int{{7, 255}}, []byte{7, 255}}, {"tensor[uint8:1,2]", []byte{7, 255}, []byte{7, 255}},
		{"tensor[f32:1]", []float64{1.5}, []byte{0, 0, 0xc0, 0x3f}}, {"tensor[int64:1]", json.RawMessage(`[9223372036854775807]`), []byte{255, 255, 255, 255, 255, 255, 255, 127}}, {"tensor[int32:1]", []int{-2}, []byte{254, 255, 255, 255}},
		{"file", digest, digest},
	} {
		got, err := typed(t, c.typ).Value(c.given)
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%v (%T) for %s is %v (%T), want %v; %v", c.given, c.given, c.typ, got, got, c.want, err)
		}
	}
}

func TestValuesOfAnotherTypeAreRefused(t *testing.T) {
	for _, c := range []struct {
		typ, says string
		given     any
	}{
		{"text", "cannot hold a number", json.Number("1")}, {"text", "cannot hold a boolean", true}, {"text", "cannot hold a list", []any{1}}, {"text", "cannot hold an object", json.RawMessage(`{}`)},
		{"text", "NUL", "a\x00"}, {"text", "not UTF-8", "\xff"}, {"text", "time.Time", noon},
		{"integer", "cannot hold text", "1"}, {"integer", "2.5 is not exactly", 2.5}, {"integer", "largest integer", uint64(math.MaxUint64)}, {"integer", "is an integer of 64 bits", json.Number("1e300")},
		{"real", "no number", math.NaN()}, {"real", "no number", json.Number("1e999")}, {"real", "cannot hold text", "1"},
		{"boolean", "cannot hold a number", json.Number("1")}, {"time", "is no time", "soon"}, {"time", "years 1 to 9999", time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC)}, {"time", "cannot hold", 5},
		{"bytes", "base64", "???"}, {"bytes", "cannot hold", 5}, {"json", "not valid JSON", json.RawMessage(`{`)}, {"json", "cannot be written", func() {}}, {"json", "half a character", json.RawMessage(`"\udc00"`)}, {"json", "half a character", json.RawMessage(`"\ud800x"`)}, {"json", "nests deeper", json.RawMessage(strings.Repeat("[", 101) + strings.Repeat("]", 101))},
		{"vector[2]", "a list of 1", []float32{1}}, {"vector[2]", "finite", []float32{1, float32(math.Inf(1))}}, {"vector[2]", "cannot hold text", "x"}, {"vector[2]", "finite", []any{"a", "b"}}, {"vector[2]", "NULL", []any{1, nil}},
		{"tensor[uint8:1,2]", "a list of 3", [][]int{{1, 2, 3}}}, {"tensor[uint8:1,2]", "something else", [][]int{{1, -1}}}, {"tensor[uint8:1,2]", "2 bytes, not 1", []byte{1}}, {"tensor[f32:1,2]", "cannot hold a tensor[uint8:1,2]", pixel}, {"tensor[f32:1]", "finite", []byte{0, 0, 0xc0, 0x7f}},
		{"file", "SHA-256", "a.txt"}, {"file", "SHA-256", digest[:20]}, {"file", "SHA-256", strings.ToUpper(digest)},
	} {
		_, err := typed(t, c.typ).Value(c.given)
		if !errors.Is(err, errs.Invalid) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%v (%T) for %s: %v, which does not say %q", c.given, c.given, c.typ, err, c.says)
		}
	}
	if _, err := typed(t, "text").Value(strings.Repeat("a", query.MaxText+1)); !errors.Is(err, errs.TooLarge) {
		t.Error(err)
	}
}

func TestValuesAreCopied(t *testing.T) {
	raw, vector, document := []byte{1}, []float32{1}, json.RawMessage(`[1]`)
	b, _ := typed(t, "bytes").Value(raw)
	v, _ := typed(t, "vector[1]").Value(vector)
	j, _ := typed(t, "json").Value(document)
	raw[0], vector[0], document[1] = 9, 9, '9'
	if diff := cmp.Diff([]any{[]byte{1}, []float32{1}, json.RawMessage(`[1]`)}, []any{b, v, j}); diff != "" {
		t.Error(diff)
	}
}

func TestTheTypeOfAValue(t *testing.T) {
	for _, c := range []struct {
		given any
		want  string
	}{
		{"a", "text"}, {digest, "file"}, {"2026-01-02T03:04:05Z", "text"}, {named("a"), "text"}, {1, "integer"}, {counted(1), "integer"}, {1.0, "real"}, {true, "boolean"}, {noon, "time"},
		{[]byte{1}, "bytes"}, {[]float32{1, 2, 3}, "vector[3]"}, {[]float32{}, "json"}, {[]float64{1}, "json"}, {[]string{}, "json"}, {map[string]int{}, "json"}, {struct{}{}, "json"}, {pixel, "tensor[uint8:1,2]"},
		{json.Number("1"), "integer"}, {json.Number("1.0"), "real"}, {json.Number("1e3"), "real"}, {json.RawMessage(`[1,2]`), "json"}, {json.RawMessage(`{}`), "json"}, {json.RawMessage(`"a"`), "text"}, {json.RawMessage(` 5`), "integer"},
		{netip.MustParseAddr("::1"), "text"}, {nil, ""}, {(*int)(nil), ""}, {json.RawMessage("null"), ""},
	} {
		got, known := query.InferType(c.given)
		if known != (c.want != "") || known && got.String() != c.want {
			t.Errorf("%v (%T) is %s, want %s", c.given, c.given, got, c.want)
		}
	}
}

func TestArrays(t *testing.T) {
	a, err := query.ArrayOf([]float64{1, 2.5, -3, 1e300, 0, 6}, 1, 2, 3)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(a)
	if err != nil || string(raw) != `[[[1,2.5,-3],[1e+300,0,6]]]` {
		t.Errorf("%s, %v", raw, err)
	}
	back, err := a.Type.Value(json.RawMessage(raw))
	if err != nil || !reflect.DeepEqual(back, a.Data) {
		t.Errorf("%v, %v", back, err)
	}
	numbers, err := query.NumbersOf[float64](a)
	if err != nil || !reflect.DeepEqual(numbers, []float64{1, 2.5, -3, 1e300, 0, 6}) {
		t.Errorf("%v, %v", numbers, err)
	}
	if _, err := query.NumbersOf[int32](a); !errors.Is(err, errs.Invalid) {
		t.Error(err)
	}
	if _, err := query.ArrayOf([]int32{1, 2, 3}, 2); !errors.Is(err, errs.Invalid) {
		t.Error(err)
	}
	for _, n := range []int64{math.MinInt64, math.MaxInt64, 1<<53 + 1} {
		a, err := query.ArrayOf([]int64{n}, 1)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := query.NumbersOf[int64](a); err != nil || got[0] != n {
			t.Errorf("%d came back as %v, %v", n, got, err)
		}
	}
}

func TestTypesAreText(t *testing.T) {
	for _, text := range []string{"text", "integer", "real", "boolean", "time", "bytes", "json", "file", "vector[384]", "tensor[f32:2,3]", "tensor[int64:1]"} {
		if got := typed(t, text).String(); got != text {
			t.Errorf("%s is %s", text, got)
		}
	}
	for _, text := range []string{"", "Text", "text[1]", "vector", "vector[]", "vector[0]", "vector[1,2]", "vector[f32:1]", "tensor[2]", "tensor[f16:2]", "tensor[f32:-1]", "tensor[f32:5000,5000]", "vector[2", "blob"} {
		if typ, err := query.ParseType(text); !errors.Is(err, errs.Invalid) {
			t.Errorf("%q is %s", text, typ)
		}
	}
}
