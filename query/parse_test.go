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

// texts are questions in their text form with the JSON form that they are, and
// the text that they are printed as unless it is the same.
var texts = []struct{ text, json, printed string }{
	{`docs`, `{"select":{"from":"docs"}}`, ""},
	{`docs where y = 1 and n > 5 order by n desc limit 10 select n, y`,
		`{"select":{"from":"docs","columns":["n","y"],"where":{"y":1,"n":{">":5}},"order":["-n"],"limit":10}}`, ""},
	{`SELECT n, docs.* FROM docs AS d LIMIT 3 OFFSET 2`, `{"select":{"from":"docs","as":"d","columns":["n","docs.*"],"limit":3,"offset":2}}`,
		`docs as d limit 3 offset 2 select n, docs.*`},
	{`docs where special-y = 1`, `{"select":{"from":"docs","where":{"special-y":1}}}`, ""},
	{`"a b" where "c ""d""".e = 'it''s'`, `{"select":{"from":"a b","where":{"c \"d\".e":"it's"}}}`, ""},
	{"`order` where meta.order.0 = true", `{"select":{"from":"order","where":{"meta.order.0":true}}}`, `"order" where meta.order.0 = true`},
	{`docs where a = 1 or b = 2 and not c = 3`, `{"select":{"from":"docs","where":{"or":[{"a":1},{"b":2,"not":{"c":3}}]}}}`, ""},
	{`docs where (a = 1 or b = 2) and c != 3`, `{"select":{"from":"docs","where":{"or":[{"a":1},{"b":2}],"c":{"!=":3}}}}`, `docs where ( a = 1 or b = 2 ) and c != 3`},
	{`docs where n > 5 and n <= 9 and n <> 7`, `{"select":{"from":"docs","where":{"n":{">":5,"<=":9,"!=":7}}}}`, `docs where n > 5 and n <= 9 and n != 7`},
	{`docs where a in (1, 'x', -2.5e3) and b in [] and c not in (1)`, `{"select":{"from":"docs","where":{"a":{"in":[1,"x",-2.5e3]},"b":{"in":[]},"not":{"c":{"in":[1]}}}}}`,
		`docs where a in (1, 'x', -2.5e3) and b in () and not c in (1)`},
	{`docs where a is null and b is not null and c is not 5 and d = null and e != null`,
		`{"select":{"from":"docs","where":{"a":null,"b":{"is not":null},"c":{"is not":5},"d":null,"e":{"is not":null}}}}`,
		`docs where a is null and b is not null and c is not 5 and d is null and e is not null`},
	{`docs where name like 'A\_%' and tags contains 'red' and a = b`,
		`{"select":{"from":"docs","where":{"name":{"like":"A\\_%"},"tags":{"contains":"red"},"a":{"column":"b"}}}}`, ""},
	{`docs where true`, `{"select":{"from":"docs","where":{}}}`, ""},
	{`docs where false or not true`, `{"select":{"from":"docs","where":{"or":[{"or":[]},{"not":{}}]}}}`, ""},
	{`books as b left join authors as a on b.author = a.id and b.x = a.y join c on id = c.id select b.title as t, a.*`,
		`{"select":{"from":"books","as":"b","columns":[{"column":"b.title","as":"t"},"a.*"],"join":[{"table":"authors","as":"a","left":true,"on":[["b.author","a.id"],["b.x","a.y"]]},{"table":"c","on":[["id","c.id"]]}]}}`, ""},
	{`docs where n = 1 like {"x": [1, 2]} in vi nearest 4 first native outputs l1, l2 required`,
		`{"select":{"from":"docs","where":{"n":1},"outputs":["l1","l2"],"outputsRequired":true,"like":{"document":{"x":[1,2]},"index":"vi","n":4,"searchThenFilter":true,"nativeOrder":true}}}`,
		`docs where n = 1 like {"x":[1,2]} in vi nearest 4 first native outputs l1, l2 required`},
	{`insert into docs {"n": 1, "t": "a \"b\""}, {"n": 2, "j": {"b": [1], "a": 1.50}}`, `{"insert":{"into":"docs","rows":[{"n":1,"t":"a \"b\""},{"n":2,"j":{"b":[1],"a":1.50}}]}}`,
		`insert into docs {"n":1,"t":"a \"b\""}, {"j":{"b":[1],"a":1.50},"n":2}`},
	{`insert into bare 1, "a\"b", [1] strict quietly`, `{"insert":{"into":"bare","rows":[1,"a\"b",[1]],"strict":true,"noRefresh":true}}`, ""},
	{`insert into docs {"v": [1, 2], "at": "2026-01-02"} typed v vector[2], at time, "a b" tensor[f32:2,3] strict`,
		`{"insert":{"into":"docs","rows":[{"v":[1,2],"at":"2026-01-02"}],"types":{"at":"time","v":"vector[2]","a b":"tensor[f32:2,3]"},"strict":true}}`,
		`insert into docs {"at":"2026-01-02","v":[1,2]} typed "a b" tensor[f32:2,3], at time, v vector[2] strict`},
	{`update docs set y = 0, "a b" = 'x', j = {"k": [1]}, z = null where n = 1 quietly`,
		`{"update":{"table":"docs","set":{"y":0,"a b":"x","j":{"k":[1]},"z":null},"where":{"n":1},"noRefresh":true}}`,
		`update docs set "a b" = 'x', j = {"k":[1]}, y = 0, z = null where n = 1 quietly`},
	{`update docs set y = true all`, `{"update":{"table":"docs","set":{"y":true},"all":true}}`, ""},
	{`delete from docs where id = 'a'`, `{"delete":{"from":"docs","where":{"id":"a"}}}`, ""},
	{`delete from docs all`, `{"delete":{"from":"docs","all":true}}`, ""},
	{`sql select count(*) from docs where t = 'x' -- "all`, `{"raw":{"sql":"select count(*) from docs where t = 'x' -- \"all"}}`, ""},
	{`predict m {"x": 1}`, `{"predict":{"model":"m","input":{"x":1}}}`, `predict m {"x":1}`},
	{`имя where été = '🙂'`, `{"select":{"from":"имя","where":{"été":"🙂"}}}`, ""},
}

func TestTheTextFormSaysWhatTheJSONFormSays(t *testing.T) {
	for _, c := range texts {
		got, err := query.Parse(c.text)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		want, err := query.Decode([]byte(c.json))
		if err != nil {
			t.Errorf("%s: %v", c.json, err)
			continue
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-JSON +text):\n%s", c.text, diff)
		}
		printed, err := query.Format(got)
		if err != nil || printed != c.printed && (c.printed != "" || printed != c.text) {
			t.Errorf("%s\nis printed as\n%s (%v)", c.text, printed, err)
		}
		raw, err := json.Marshal(got)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		again, err := query.Decode(raw)
		if err != nil || !reflect.DeepEqual(again, got) {
			t.Errorf("%s\nis in JSON\n%s (%v)", c.text, raw, err)
		}
	}
}

func TestErrorsOfTheTextFormTellThePlaceAndTheRemedy(t *testing.T) {
	for text, want := range map[string]string{
		``:                                         `query: character 1, at the end: here the name of a table is wanted`,
		`docs where`:                               `query: character 11, at the end: here a column is wanted`,
		`docs where n >`:                           `query: character 15, at the end: here a value is wanted: a number, true, false, or a text in single quotes`,
		`docs where n ~ 5`:                         `query: character 14, before "~ 5": nothing begins with this character; names with it are written in double quotes, text in single ones`,
		`docs where n 5`:                           `query: character 14, before "5": here a comparison is wanted: =, !=, <, <=, >, >=, in, like, contains or is`,
		`docs where été = 'x`:                      `query: character 18, before "'x": the text that begins here does not end; close it with '`,
		`docs where order = 1`:                     `query: character 12, before "order = 1": here a column is wanted; a name that is a word of the language is written in double quotes`,
		`docs limit -1`:                            `query: character 12, before "-1": here a whole number from 0 is wanted`,
		`docs limit 1 limit 2`:                     `query: character 14, before "limit 2": limit is said twice`,
		`select a from docs select b`:              `query: character 20, before "select b": select is said twice`,
		`docs where n = 1 )`:                       `query: character 18, before ")": here the question should end`,
		`docs where (n = 1`:                        `query: character 18, at the end: here ) is wanted`,
		`docs where n < null`:                      `query: character 16, before "null": nothing is less or greater than null; write is null or is not null`,
		`docs where 5n = 1`:                        `query: character 12, before "5n = 1": a name that begins with a digit is written in double quotes`,
		`update docs set n = 1`:                    `query: character 22, at the end: here where and a condition, or all for every row, is wanted`,
		`update docs set n = 1, n = 2 all`:         `query: character 24, before "n = 2 all": "n" is set twice`,
		`delete docs`:                              `query: character 8, before "docs": here from is wanted`,
		`insert into docs`:                         `query: character 17, at the end: here JSON is wanted, as in {"n": 1}`,
		`insert into docs {"n": 1, "n": 2}`:        `query: character 18, before "{\"n\": 1, \"n\": 2}": n: is given twice`,
		`insert into docs {"n": 1} {"n": 2}`:       `query: character 27, before "{\"n\": 2}": here the question should end`,
		`insert into docs {} typed a big`:          `query: character 29, before "big": type: "big" is no type; types are text, integer, real, boolean, time, bytes, json, file, vector[N] and tensor[f32:N,M]`,
		`insert into docs {} typed a text, a text`: `query: character 35, before "a text": "a" is typed twice`,
		`""`:                                     `query: select.from: is missing`,
		`docs where n in 5`:                      `query: character 17, before "5": here a list in parentheses is wanted`,
		`docs join b on x`:                       `query: character 17, at the end: here = is wanted`,
		`docs where n ! 5`:                       `query: character 14, before "! 5": "!" alone says nothing; write != or not`,
		`docs where ` + strings.Repeat("(", 200): `query: nests deeper than 50`,
		`sql`:                                    `query: character 4, at the end: here a statement in the database's own language is wanted`,
	} {
		_, err := query.Parse(text)
		if kind := errs.KindOf(err); kind != errs.Invalid && kind != errs.TooLarge || err.Error() != want {
			t.Errorf("%s\nfails with %v\nwant       %s", text, err, want)
		}
	}
}

func TestWhatHasNoTextForm(t *testing.T) {
	if _, err := query.Format(query.SQL("select ?", 1)); !errors.Is(err, errs.Unsupported) {
		t.Error(err)
	}
	if _, err := query.Format(query.Query{}); !errors.Is(err, errs.Invalid) {
		t.Error(err)
	}
}

func FuzzParse(f *testing.F) {
	for _, c := range texts {
		f.Add(c.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		q, err := query.Parse(text)
		if err != nil {
			var e *errs.Error
			if !errors.As(err, &e) || e.Field != "query" {
				t.Fatalf("%q fails with %v", text, err)
			}
			return
		}
		printed, err := query.Format(q)
		if err != nil {
			t.Fatalf("%q cannot be printed: %v", text, err)
		}
		again, err := query.Parse(printed)
		if err != nil {
			t.Fatalf("%q is printed as %q, which fails with %v", text, printed, err)
		}
		if !reflect.DeepEqual(q, again) {
			t.Fatalf("%q is printed as %q, which is something else:\n%s", text, printed, cmp.Diff(q, again))
		}
	})
}
