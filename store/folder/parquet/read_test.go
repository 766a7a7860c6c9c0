package parquet_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	lib "github.com/parquet-go/parquet-go"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/query"
	"github.com/varvedb/varve/store/folder/parquet"
)

type inner struct {
	A int32   `parquet:"a"`
	B *string `parquet:"b,optional"`
}

type row struct {
	Whole    int64             `parquet:"whole"`
	Small    *int32            `parquet:"small,optional"`
	Unsigned uint64            `parquet:"unsigned"`
	Real     float64           `parquet:"real"`
	Text     *string           `parquet:"text,optional"`
	Flag     bool              `parquet:"flag"`
	Raw      []byte            `parquet:"raw"`
	At       time.Time         `parquet:"at,timestamp(microsecond)"`
	Nano     time.Time         `parquet:"nano,timestamp(nanosecond)"`
	Day      int32             `parquet:"day,date"`
	Price    int64             `parquet:"price,decimal(2:9)"`
	ID       uuid.UUID         `parquet:"id,uuid"`
	Doc      json.RawMessage   `parquet:"doc,json"`
	Vector   []float32         `parquet:"vector,list"`
	Tags     []string          `parquet:"tags,list"`
	Inner    inner             `parquet:"inner"`
	Deep     []inner           `parquet:"deep,list"`
	Map      map[string]string `parquet:"map"`
}

func written[T any](t *testing.T, rows ...T) string {
	t.Helper()
	var b bytes.Buffer
	w := lib.NewGenericWriter[T](&b)
	if _, err := w.Write(rows); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func ptr[T any](v T) *T { return &v }

var (
	at   = time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)
	rows = []row{
		{Whole: 1, Small: ptr(int32(-5)), Unsigned: 7, Real: 1.5, Text: ptr("é"), Flag: true, Raw: []byte{0, 255}, At: at, Nano: at, Day: 20000, Price: 1234, ID: uuid.MustParse("00000000-0000-4000-8000-000000000001"),
			Doc: json.RawMessage(`{"a": 1}`), Vector: []float32{1, 2.5}, Tags: []string{"x", "y"}, Inner: inner{1, ptr("b")}, Deep: []inner{{1, nil}, {2, ptr("c")}}, Map: map[string]string{"k": "v"}},
		{Whole: -2, Price: -5, Text: ptr(""), At: at.AddDate(-200, 0, 0), Nano: at, Doc: json.RawMessage(`[]`), Vector: []float32{3, 4}, Map: map[string]string{}},
	}
)

func TestEveryTypeIsRead(t *testing.T) {
	columns, got, size, err := parquet.Read("f.parquet", strings.NewReader(written(t, rows...)), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if size < 100 || size > 10_000 {
		t.Errorf("it takes %d bytes", size)
	}
	have := map[string][3]any{}
	for i, c := range columns {
		have[c.Name] = [3]any{c.Type.String(), got[0][i], got[1][i]}
	}
	want := map[string][3]any{
		"whole": {"integer", int64(1), int64(-2)}, "small": {"integer", int64(-5), nil}, "unsigned": {"integer", int64(7), int64(0)}, "real": {"real", 1.5, 0.0},
		"text": {"text", "é", ""}, "flag": {"boolean", true, false}, "raw": {"bytes", []byte{0, 255}, []byte{}}, "at": {"time", at, at.AddDate(-200, 0, 0)}, "nano": {"time", at, at},
		"day": {"time", time.Date(2024, 10, 4, 0, 0, 0, 0, time.UTC), time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC)}, "price": {"text", "12.34", "-0.05"},
		"id": {"text", "00000000-0000-4000-8000-000000000001", "00000000-0000-0000-0000-000000000000"}, "doc": {"json", json.RawMessage(`{"a":1}`), json.RawMessage(`[]`)},
		"vector": {"vector[2]", []float32{1, 2.5}, []float32{3, 4}}, "tags": {"json", json.RawMessage(`["x","y"]`), json.RawMessage(`[]`)},
		"inner": {"json", json.RawMessage(`{"a":1,"b":"b"}`), json.RawMessage(`{"a":0,"b":null}`)}, "deep": {"json", json.RawMessage(`[{"a":1,"b":null},{"a":2,"b":"c"}]`), json.RawMessage(`[]`)},
	}
	for name, w := range want {
		if !reflect.DeepEqual(have[name], w) {
			t.Errorf("%s: got %v, want %v", name, have[name], w)
		}
	}
	if have["map"][0] != "json" {
		t.Errorf("a map is %v", have["map"])
	}
}

func TestNothingIsLost(t *testing.T) {
	type odd struct {
		N uint64    `parquet:"n"`
		T time.Time `parquet:"t,timestamp(nanosecond)"`
		V []float32 `parquet:"v,list"`
		F float64   `parquet:"f"`
	}
	nan := 0.0
	nan /= nan
	file := written(t, odd{N: 1, T: at, V: []float32{1}, F: nan}, odd{N: 1<<64 - 1, T: at.Add(7), V: []float32{1, 2}, F: 2})
	columns, got, _, err := parquet.Read("f.parquet", strings.NewReader(file), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if want := [][]any{{"1", "2026-01-02T03:04:05.000006Z", json.RawMessage(`[1]`), nil}, {"18446744073709551615", "2026-01-02T03:04:05.000006007Z", json.RawMessage(`[1,2]`), 2.0}}; !reflect.DeepEqual(got, want) {
		t.Errorf("%v of %v", got, columns)
	}
}

func TestAFileWithoutRowsHasItsTypes(t *testing.T) {
	columns, got, _, err := parquet.Read("f.parquet", strings.NewReader(written[row](t)), 1<<20)
	if err != nil || len(got) != 0 {
		t.Fatal(got, err)
	}
	for _, c := range columns {
		if want := map[string]query.Kind{"whole": query.Integer, "at": query.Time, "flag": query.Boolean, "raw": query.Bytes, "tags": query.JSON, "text": query.Text}[c.Name]; want != "" && c.Type.Kind != want {
			t.Errorf("%s is %s", c.Name, c.Type)
		}
	}
}

func TestWhatIsNoParquet(t *testing.T) {
	whole := written(t, rows...)
	if _, _, _, err := parquet.Read("f.parquet", strings.NewReader(whole), 100); errs.KindOf(err) != errs.TooLarge {
		t.Errorf("over the bound: %v", err)
	}
	step := 1
	if testing.Short() { // as under the race detector
		step = 37
	}
	for n := 0; n < len(whole); n += 7 * step {
		if _, _, _, err := parquet.Read("f.parquet", strings.NewReader(whole[:n]), 1<<20); errs.KindOf(err) != errs.Invalid || !strings.Contains(err.Error(), "f.parquet cannot be read") {
			t.Errorf("cut at %d: %v", n, err)
		}
	}
	for n := 0; n < len(whole); n += step { // no byte that is wrong ends the program
		spoiled := []byte(whole)
		spoiled[n] ^= 0x55
		_, _, _, err := parquet.Read("f.parquet", strings.NewReader(string(spoiled)), 1<<20)
		if kind := errs.KindOf(err); kind != "" && kind != errs.Invalid && kind != errs.TooLarge {
			t.Errorf("spoiled at %d: %v", n, err)
		}
	}
}
