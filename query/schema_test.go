package query_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/varvedb/varve/query"
)

const published = "../docs/query.schema.json"

func schema(t *testing.T) (*jsonschema.Schema, map[string]any) {
	t.Helper()
	raw, err := os.ReadFile(published)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("query.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("query.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s, doc.(map[string]any)
}

func valid(s *jsonschema.Schema, raw string) error {
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(raw))
	if err != nil {
		return err
	}
	return s.Validate(v)
}

func TestThePublishedSchemaTakesWhatTheCodeTakes(t *testing.T) {
	s, _ := schema(t)
	for _, c := range texts {
		if err := valid(s, c.json); err != nil {
			t.Errorf("%s: %v", c.json, err)
		}
	}
}

func TestThePublishedSchemaRefusesWhatTheCodeRefuses(t *testing.T) {
	s, _ := schema(t)
	for raw := range wrong {
		if twice(raw) || strings.Contains(raw, `"select":null`) || strings.Contains(raw, `"sql":" "`) {
			continue // no schema sees that
		}
		if valid(s, raw) == nil {
			t.Errorf("%s is let through", raw)
		}
	}
}

// twice tells whether a member is there twice, which decoders drop.
func twice(raw string) bool {
	var v any
	if json.Unmarshal([]byte(raw), &v) != nil {
		return false
	}
	again, err := json.Marshal(v)
	return err == nil && strings.Count(raw, ":") != bytes.Count(again, []byte(":"))
}

func TestThePublishedSchemaNamesTheFieldsOfTheCode(t *testing.T) {
	_, doc := schema(t)
	defs := doc["$defs"].(map[string]any)
	properties := func(def map[string]any) []string {
		return slices.Sorted(maps.Keys(def["properties"].(map[string]any)))
	}
	for name, typ := range map[string]reflect.Type{
		"select": reflect.TypeFor[query.Select](), "insert": reflect.TypeFor[query.Insert](), "update": reflect.TypeFor[query.Update](),
		"delete": reflect.TypeFor[query.Delete](), "raw": reflect.TypeFor[query.Raw](), "predict": reflect.TypeFor[query.Predict](),
		"join": reflect.TypeFor[query.Join](), "like": reflect.TypeFor[query.Like](),
	} {
		if diff := cmp.Diff(members(typ), properties(defs[name].(map[string]any))); diff != "" {
			t.Errorf("%s (-code +schema):\n%s", name, diff)
		}
	}
	for name, typ := range map[string]reflect.Type{"output": reflect.TypeFor[query.Output](), "order": reflect.TypeFor[query.Order]()} {
		long := defs[name].(map[string]any)["oneOf"].([]any)[1].(map[string]any)
		if diff := cmp.Diff(members(typ), properties(long)); diff != "" {
			t.Errorf("%s (-code +schema):\n%s", name, diff)
		}
	}
	if diff := cmp.Diff(members(reflect.TypeFor[query.Query]()), properties(doc)); diff != "" {
		t.Errorf("query (-code +schema):\n%s", diff)
	}
}

// members are the names that a struct has in JSON, in order.
func members(t reflect.Type) []string {
	var out []string
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}
