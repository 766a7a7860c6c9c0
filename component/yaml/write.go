package yaml

import (
	"bytes"
	"encoding/json"
	"io"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/varvedb/varve/component"
	"github.com/varvedb/varve/errs"
)

// Write writes a component as a declaration that [Read] reads, with those
// inside it, and without what looks like a secret.
func Write(w io.Writer, c component.Component) error {
	raw, err := component.Declare(c)
	if err != nil {
		return err
	}
	return WriteJSON(w, raw)
}

// WriteJSON writes a JSON value as YAML.
func WriteJSON(w io.Writer, raw []byte) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return errs.Wrap(errs.Internal, err, "the component cannot be written")
	}
	e := yaml.NewEncoder(w)
	e.SetIndent(2)
	if err := e.Encode(node(v)); err != nil {
		return errs.Wrap(errs.Unavailable, err, "the component cannot be written")
	}
	return e.Close()
}

func node(v any) *yaml.Node {
	switch v := v.(type) {
	case map[string]any:
		n := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
		for _, key := range named(v) {
			n.Content = append(n.Content, scalarOf("!!str", key), node(v[key]))
		}
		return n
	case []any:
		n := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
		for _, item := range v {
			n.Content = append(n.Content, node(item))
		}
		return n
	case json.Number:
		tag := "!!int"
		if bytes.ContainsAny([]byte(v), ".eE") {
			tag = "!!float"
		}
		return scalarOf(tag, v.String())
	case bool:
		if v {
			return scalarOf("!!bool", "true")
		}
		return scalarOf("!!bool", "false")
	case string:
		return scalarOf("!!str", v)
	}
	return scalarOf("!!null", "null")
}

func scalarOf(tag, value string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: value}
}

// named are the keys of an object: what names a component before the rest.
func named(o map[string]any) []string {
	var out []string
	for _, key := range []string{"type_id", "identifier", "version", "uuid", "description"} {
		if _, ok := o[key]; ok {
			out = append(out, key)
		}
	}
	for _, key := range sorted(o) {
		if !slices.Contains(out, key) {
			out = append(out, key)
		}
	}
	return out
}

func sorted[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
