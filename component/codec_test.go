package component

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/varvedb/varve/errs"
)

var update = flag.Bool("update", false, "write the golden files anew; stored hashes then no longer fit what was stored")

// golden is one pinned declaration.
type golden struct {
	Name        string          `json:"name"`
	Declaration json.RawMessage `json:"declaration"`
	Canonical   string          `json:"canonical"`
	Hash        string          `json:"hash"`
	Break       string          `json:"break"`
}

// A hash that changes makes every stored component look changed.
func TestHashesArePinned(t *testing.T) {
	raw, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var pinned []golden
	if err := json.Unmarshal(raw, &pinned); err != nil {
		t.Fatal(err)
	}
	types := map[string]bool{}
	for i := range pinned {
		g := &pinned[i]
		c := decoded(t, string(g.Declaration))
		types[c.Type()] = true
		canonical, err := encodeRecord(c, 0)
		if err != nil {
			t.Fatal(err)
		}
		hash, breaking, err := Hashes(c)
		if err != nil {
			t.Fatalf("%s: %v", g.Name, err)
		}
		if *update {
			g.Canonical, g.Hash, g.Break = string(canonical), hash, breaking
			continue
		}
		if g.Canonical != string(canonical) || g.Hash != hash || g.Break != breaking {
			t.Errorf("%s:\n%s\nhash %s break %s", g.Name, canonical, hash, breaking)
		}
	}
	if len(types) != len(Types()) {
		t.Errorf("%d of %d types are pinned", len(types), len(Types()))
	}
	if *update {
		raw, err := json.MarshalIndent(pinned, "", "  ")
		if err == nil {
			err = os.WriteFile("testdata/golden.json", append(raw, '\n'), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func decoded(t *testing.T, raw string) Component {
	t.Helper()
	c, err := Decode([]byte(raw))
	if err == nil {
		err = check(c)
	}
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestEqualDeclarationsHaveOneHash(t *testing.T) {
	for _, same := range [][2]string{
		{`{"type_id":"model","identifier":"m","config":{"a":1,"b":[1.50,"é"]}}`, ` { "config" : {"b":[15e-1,"\u00e9"], "a":1.0}, "identifier":"m","type_id":"model"}`},
		{`{"type_id":"model","identifier":"m"}`, `{"type_id":"model","identifier":"m","flatten":false,"config":{},"models":[],"description":null,"num_workers":0}`},
		{`{"type_id":"vector_index","identifier":"v","indexing_listener":{"type_id":"listener","identifier":"l","key":"x","model":{"type_id":"model","identifier":"m"}}}`,
			`{"type_id":"vector_index","identifier":"v","measure":"cosine","indexing_listener":{"type_id":"listener","identifier":"l","key":"x","model":{"type_id":"model","identifier":"m"}}}`},
		{`{"type_id":"model","identifier":"m","artifacts":{"w":"abc"}}`, `{"type_id":"model","identifier":"m","artifacts":{"w":{"base64":"YWJj"}}}`},
		{`{"type_id":"model","identifier":"m","artifacts":{"w":"abc"}}`, `{"type_id":"model","identifier":"m","artifacts":{"w":"&:blob:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}}`},
		{`{"type_id":"model","identifier":"m"}`, `{"type_id":"model","identifier":"m","metric_values":{"accuracy":1},"version":3,"uuid":"00000000000000000000000000000000"}`},
	} {
		a, ab, err := Hashes(decoded(t, same[0]))
		b, bb, err2 := Hashes(decoded(t, same[1]))
		if err != nil || err2 != nil || a != b || ab != bb {
			t.Errorf("%s\n%s\ndiffer: %v %v", same[0], same[1], err, err2)
		}
	}
}

func TestWhatBreaks(t *testing.T) {
	model := func(more string) string {
		return `{"type_id":"model","identifier":"m","kind":"k"` + more + `}`
	}
	listener := func(m string) string {
		return `{"type_id":"listener","identifier":"l","key":"x","model":` + m + `}`
	}
	for _, c := range []struct {
		name          string
		before, after string
		hash, breaks  bool // differ
	}{
		{"a harmless field", model(``), model(`,"max_batch_size":4`), true, false},
		{"a breaking field", model(``), model(`,"revision":"2"`), true, true},
		{"a child's harmless field", listener(model(``)), listener(model(`,"description":"d"`)), false, false},
		{"a child's breaking field", listener(model(``)), listener(model(`,"flatten":true`)), false, true},
		{"a child under another name", listener(model(``)), listener(strings.Replace(model(``), `"m"`, `"n"`, 1)), true, true},
		{"a harmless reference's breaking field", model(`,"trainer":{"type_id":"trainer","identifier":"t"}`), model(`,"trainer":{"type_id":"trainer","identifier":"t","kind":"x"}`), false, false},
	} {
		a, ab, _ := Hashes(decoded(t, c.before))
		b, bb, _ := Hashes(decoded(t, c.after))
		if (a != b) != c.hash || (ab != bb) != c.breaks {
			t.Errorf("%s: hash differs %v, break differs %v", c.name, a != b, ab != bb)
		}
	}
}

func TestDeclarationsComeBack(t *testing.T) {
	c := decoded(t, `{"type_id":"application","identifier":"a","components":[
	  {"type_id":"table","identifier":"docs","schema":{"type_id":"schema","identifier":"s","fields":{"x":"text","v":{"type_id":"datatype","identifier":"v3","type":"vector[3]"},"w":"&:component:datatype:w"}}},
	  "&:component:model:m:3","&:component:model:m:0123456789abcdef0123456789abcdef","&:component:0123456789abcdef0123456789abcdef",
	  {"type_id":"model","identifier":"b","artifacts":{"raw":{"base64":"AP8="},"text":"<&:>","ref":"&:blob:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}},
	  {"type_id":"template","identifier":"t","template":{"type_id":"model","identifier":"<var:name>"}}]}`)
	raw, err := Encode(c)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Decode(raw)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(c, again, cmp.Exporter(func(reflect.Type) bool { return true })); diff != "" {
		t.Error(diff)
	}
	once, err := Encode(again)
	if err != nil || string(once) != string(raw) {
		t.Errorf("%v\n%s\n%s", err, raw, once)
	}
}

func TestUnknownFieldsAreRefusedInInputAndKeptInRecords(t *testing.T) {
	const raw = `{"type_id":"model","identifier":"m","from_the_future":{"b":1,"a":2}}`
	_, err := Decode([]byte(raw))
	isField(t, err, errs.Invalid, "from_the_future")
	c, err := decodeRecord([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	back, err := encodeRecord(c, 0)
	if err != nil || string(back) != `{"from_the_future":{"a":2,"b":1},"identifier":"m","type_id":"model"}` {
		t.Errorf("%s %v", back, err)
	}
}

func isField(t *testing.T, err error, kind errs.Kind, field string) {
	t.Helper()
	var e *errs.Error
	if !errors.As(err, &e) || e.Kind != kind || e.Field != field {
		t.Errorf("got %v, want %s about %q", err, kind, field)
	}
}

func TestBadInputIsNamedExactly(t *testing.T) {
	deep := strings.Repeat(`[`, 200) + strings.Repeat(`]`, 200)
	for raw, field := range map[string]string{
		`{"identifier":"m"}`:                                                                                       "type_id",
		`{"type_id":"modle","identifier":"m"}`:                                                                     "type_id",
		`{"type_id":"model"}`:                                                                                      "model.identifier",
		`{"type_id":"model","identifier":"../x"}`:                                                                  "model.identifier",
		`{"type_id":"model","identifier":"a\u0000b"}`:                                                              "model.identifier",
		`{"type_id":"model","identifier":"nul.txt"}`:                                                               "model.identifier",
		`{"type_id":"model","identifier":"` + strings.Repeat("a", 201) + `"}`:                                      "model.identifier",
		`{"type_id":"model","identifier":"m","num_workers":"two"}`:                                                 "num_workers",
		`{"type_id":"model","identifier":"m","num_workers":1.5}`:                                                   "num_workers",
		`{"type_id":"model","identifier":"m","flatten":1}`:                                                         "flatten",
		`{"type_id":"model","identifier":"m","identifier":"n"}`:                                                    "identifier",
		`{"type_id":"model","identifier":"m","config":{"a":{"b":1,"b":2}}}`:                                        "config.a.b",
		`{"type_id":"model","identifier":"m","config":[]}`:                                                         "config",
		`{"type_id":"model","identifier":"m","config":{"n":1e999}}`:                                                "config.n",
		`{"type_id":"model","identifier":"m","datatype":{"type_id":"datatype"}}`:                                   "model/m.datatype",
		`{"type_id":"model","identifier":"m","datatype":"&:component:model:x"}`:                                    "model/m.datatype",
		`{"type_id":"model","identifier":"m","datatype":"&:component:nope:x"}`:                                     "datatype",
		`{"type_id":"model","identifier":"m","datatype":"&:component:datatype:x:-1"}`:                              "datatype",
		`{"type_id":"model","identifier":"m","models":[{"type_id":"model","identifier":"n","wat":1}]}`:             "models[0].wat",
		`{"type_id":"listener","identifier":"l","key":"x"}`:                                                        "listener/l.model",
		`{"type_id":"listener","identifier":"l","key":7,"model":"&:component:model:m"}`:                            "listener/l.key",
		`{"type_id":"vector_index","identifier":"v","measure":"css","indexing_listener":"&:component:listener:l"}`: "vector_index/v.measure",
		`{"type_id":"schema","identifier":"s","fields":{"x":"txt"}}`:                                               "schema/s.fields.x.type",
		`{"type_id":"cronjob","identifier":"c","schedule":"* * *","run":{"delete":{"from":"d","all":true}}}`:       "cronjob/c.schedule",
		`{"type_id":"cronjob","identifier":"c","schedule":"61 * * * *","run":{"delete":{"from":"d","all":true}}}`:  "cronjob/c.schedule",
		`{"type_id":"cronjob","identifier":"c","schedule":"* * * * *","run":{}}`:                                   "cronjob/c.run",
		`{"type_id":"dataset","identifier":"d","select":{"select":{"from":"t","wat":1}}}`:                          "dataset/d.select.select.wat",
		`{"type_id":"model","identifier":"m","artifacts":{"w":"&:blob:xyz"}}`:                                      "artifacts",
		`{"type_id":"model","identifier":"m","config":{"api_key":"sk-1234"}}`:                                      "model/m.config.api_key",
		`{"type_id":"model","identifier":"m","config":{"headers":[{"Authorization":"Bearer x"}]}}`:                 "model/m.config.headers[0].Authorization",
		`{"type_id":"model","identifier":"m","config":{"url":"postgres://u:p@h/d"}}`:                               "model/m.config.url",
		`{"type_id":"dataset","identifier":"d","select":{"raw":{"password":"x"}}}`:                                 "dataset/d.select.raw.password",
		`{"type_id":"template","identifier":"t","template":{"a":"<var:x>"},"template_variables":["y"]}`:            "template/t.template_variables",
		`{"type_id":"model","identifier":"m","version":-2}`:                                                        "model/m.version",
		`{"type_id":"model","identifier":"m","config":{"x":` + deep + `}}`:                                         "config.x" + strings.Repeat("[0]", 99),
	} {
		c, err := Decode([]byte(raw))
		if err == nil {
			err = checkAll(c)
		}
		isField(t, err, errs.Invalid, field)
		if err != nil && (strings.Contains(err.Error(), "sk-1234") || strings.Contains(err.Error(), "u:p")) {
			t.Errorf("a secret in an error: %v", err)
		}
	}
}

// checkAll is check on a component and all that is in it.
func checkAll(c Component) error {
	for _, s := range children(c) {
		if s.child.Component != nil {
			if err := checkAll(s.child.Component); err != nil {
				return at(nameOf(c).String()+"."+s.role, inner(err))
			}
		}
	}
	return check(c)
}

// inner drops the inner place: the outer one is asked for.
func inner(err error) error {
	var e *errs.Error
	if errors.As(err, &e) {
		return errs.New(e.Kind, "%s", e.Detail)
	}
	return err
}

func TestWhatIsNoSecret(t *testing.T) {
	for raw, secret := range map[string]bool{
		`{"max_tokens":5,"eos_token":"</s>","tokenizer":"bpe","stop_token":"x","key":"v","tokens_per_minute":3}`: false,
		`{"api_key":"env:OPENAI_API_KEY","password":"","token":null,"url":"https://u@h/x"}`:                      false,
		`{"apiKey":"x"}`: true, `{"X-API-Key":"x"}`: true, `{"access_token":"x"}`: true, `{"db":{"passwd":1}}`: true,
		`{"secrets":{"openai":"sk"}}`: true, `{"api_key":"env:"}`: true, `{"api_key":"env:A B"}`: true, `{"u":"x://a:b@c"}`: true,
	} {
		var o Object
		if err := json.Unmarshal([]byte(raw), &o); err != nil {
			t.Fatal(err)
		}
		if err := checkSecrets(o); (err != nil) != secret {
			t.Errorf("%s: %v", raw, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	raw, err := os.ReadFile("testdata/golden.json")
	var pinned []golden
	if err == nil {
		err = json.Unmarshal(raw, &pinned)
	}
	if err != nil {
		f.Fatal(err)
	}
	for _, g := range pinned {
		f.Add([]byte(g.Declaration))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, err := Decode(raw)
		if err != nil {
			if errs.KindOf(err) != errs.Invalid {
				t.Errorf("%v", err)
			}
			return
		}
		if check(c) != nil {
			return
		}
		once, err := Encode(c)
		if err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
		again, err := Decode(once)
		if err != nil {
			t.Fatalf("%s: %v", once, err)
		}
		twice, err := Encode(again)
		if err != nil || string(twice) != string(once) {
			t.Fatalf("%s\n%s: %v", once, twice, err)
		}
	})
}

func TestAListHasTooManyValuesTogether(t *testing.T) {
	const one = `{"type_id":"model","identifier":"m","kind":"hash"}` // 4 values
	if list, err := decodeAll([]byte("["+one+","+one+"]"), 8); err != nil || len(list) != 2 {
		t.Errorf("decoded %d, %v", len(list), err)
	}
	if _, err := decodeAll([]byte("["+one+","+one+"]"), 7); errs.KindOf(err) != errs.TooLarge {
		t.Errorf("the error is %v", err)
	}
}
