package query_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/query"
)

// wrong are documents that are no queries, and the field that is named.
var wrong = map[string]string{
	`{`:                     "query",
	`[]`:                    "",
	`{}`:                    "query",
	`null`:                  "query",
	`{"select":null}`:       "query",
	`{"select":{}}`:         "select.from",
	`{"raw":{"sql":" "}}`:   "raw.sql",
	`{"sellect":{}}`:        "sellect",
	`{"select":{"form":1}}`: "select.form",
	`{"select":{"from":1}}`: "select.from",
	`{"select":{"from":"a"},"delete":{"from":"a","all":true}}`:             "query",
	`{"select":{"from":"a","from":"b"}}`:                                   "select.from",
	`{"select":{"from":"a","limit":"5"}}`:                                  "select.limit",
	`{"select":{"from":"a","limit":1.5}}`:                                  "select.limit",
	`{"select":{"from":"a","columns":"x"}}`:                                "select.columns",
	`{"select":{"from":"a","columns":[1]}}`:                                "select.columns[0]",
	`{"select":{"from":"a","columns":["x",{"colum":"x"}]}}`:                "select.columns[1].colum",
	`{"select":{"from":"a","order":[{"column":"x","desc":true}]}}`:         "select.order[0].desc",
	`{"select":{"from":"a","order":[1]}}`:                                  "select.order[0]",
	`{"select":{"from":"a","where":[]}}`:                                   "select.where",
	`{"select":{"from":"a","where":{"n":{">>":1}}}}`:                       "select.where.n.>>",
	`{"select":{"from":"a","where":{"n":{}}}}`:                             "select.where.n",
	`{"select":{"from":"a","where":{"or":[{"n":{"~":1}}]}}}`:               "select.where.or.n.~",
	`{"select":{"from":"a","where":{"or":{"n":1}}}}`:                       "select.where.or",
	`{"select":{"from":"a","where":{"not":[]}}}`:                           "select.where.not",
	`{"select":{"from":"a","where":{"n":1,"n":2}}}`:                        "select.where.n",
	`{"select":{"from":"a","join":[{"table":"b","on":[["x"]]}]}}`:          "select.join[0].on[0]",
	`{"select":{"from":"a","join":[{"table":"b","on":[["x","y","z"]]}]}}`:  "select.join[0].on[0]",
	`{"select":{"from":"a","join":[{"table":"b","onn":[]}]}}`:              "select.join[0].onn",
	`{"insert":{"into":"a","rows":[],"types":{"n":"big"}}}`:                "insert.types.n",
	`{"insert":{"into":"a","rows":[],"types":{"n":1}}}`:                    "insert.types.n",
	`{"insert":{"into":"a","rows":[],"types":[]}}`:                         "insert.types",
	`{"insert":{"into":"a","rows":{"n":1}}}`:                               "insert.rows",
	`{"insert":{"into":"a","rows":[{"n":1,"n":2}]}}`:                       "insert.rows[0].n",
	`{"insert":{"into":"a","rows":[{"":1}]}}`:                              "insert.rows[0]",
	`{"update":{"table":"a","set":{"n":1},"were":{}}}`:                     "update.were",
	`{"raw":{"sql":"x","args":1}}`:                                         "raw.args",
	`{"select":{"from":"a","like":{"document":{},"index":"i","first":1}}}`: "select.like.first",
}

func TestTheJSONFormIsStrict(t *testing.T) {
	for raw, field := range wrong {
		_, err := query.Decode([]byte(raw))
		var e *errs.Error
		if !errors.As(err, &e) || e.Kind != errs.Invalid || e.Field != field {
			t.Errorf("%s fails with %v, want %q named", raw, err, field)
		}
	}
	deep := ""
	for range 300 {
		deep += `{"not":`
	}
	_, err := query.Decode([]byte(`{"delete":{"from":"a","where":` + deep + `{}` + strings.Repeat("}", 302)))
	if err == nil || err.Error() != "query: nests deeper than 120" {
		t.Error(err)
	}
}

func TestTheJSONFormSuggestsWhatMayBeMeant(t *testing.T) {
	_, err := query.Decode([]byte(`{"selct":{"from":"a"}}`))
	if err == nil || err.Error() != `selct: is no field that there is; did you mean "select"?` {
		t.Error(err)
	}
}

func TestNumbersStayAsTheyAreWritten(t *testing.T) {
	q, err := query.Decode([]byte(`{"insert":{"into":"a","rows":[{"n":9007199254740993,"r":1.50,"j":{"b":1.50,"a":[ 1 ]}}]}}`))
	if err != nil {
		t.Fatal(err)
	}
	want := query.Row{"n": json.Number("9007199254740993"), "r": json.Number("1.50"), "j": json.RawMessage(`{"b":1.50,"a":[ 1 ]}`)}
	if diff := cmp.Diff(want, q.Insert.Rows[0]); diff != "" {
		t.Error(diff)
	}
}

func FuzzDecode(f *testing.F) {
	for _, c := range texts {
		f.Add([]byte(c.json))
	}
	f.Add([]byte(`{"insert":{"into":"a","rows":[],"types":{}}}`))
	for raw := range wrong {
		f.Add([]byte(raw))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		q, err := query.Decode(raw)
		if err != nil {
			if !errors.Is(err, errs.Invalid) {
				t.Fatalf("%s fails with %v", raw, err)
			}
			return
		}
		written, err := json.Marshal(q)
		if err != nil {
			t.Fatalf("%s cannot be written: %v", raw, err)
		}
		again, err := query.Decode(written)
		if err != nil {
			t.Fatalf("%s is written as %s, which fails with %v", raw, written, err)
		}
		rewritten, err := json.Marshal(again)
		if err != nil || string(written) != string(rewritten) {
			t.Fatalf("%s is written as %s and then as %s", raw, written, rewritten)
		}
		if !reflect.DeepEqual(blind(q), blind(again)) {
			t.Fatalf("%s is written as %s, which is something else:\n%s", raw, written, cmp.Diff(q, again))
		}
	})
}

// blind leaves out rows and documents, whose white space goes.
func blind(q query.Query) query.Query {
	switch {
	case q.Insert != nil:
		q.Insert.Rows = nil
	case q.Update != nil:
		q.Update.Set = nil
	case q.Predict != nil:
		q.Predict.Input = nil
	case q.Select != nil && q.Select.Like != nil:
		q.Select.Like.Document = nil
	}
	return q
}
