package yaml

import (
	"encoding/json"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/varvedb/varve/component"
	"github.com/varvedb/varve/errs"
)

// Values are those of variables, as "<var:size>" is one.
type Values struct {
	given map[string]any
	used  map[string]bool
	there map[string]bool // variables that were met
}

// ParseValues reads NAME=VALUE, where the value is YAML: 5 is a number, "5" a
// text.
func ParseValues(list []string) (*Values, error) {
	v := &Values{given: map[string]any{}, used: map[string]bool{}, there: map[string]bool{}}
	for _, s := range list {
		name, text, ok := strings.Cut(s, "=")
		if !ok || name == "" {
			return nil, errs.Field(errs.Invalid, "set", "%q is no NAME=VALUE", s)
		}
		if _, twice := v.given[name]; twice {
			return nil, errs.Field(errs.Invalid, "set", "%q is given twice", name)
		}
		var doc yaml.Node
		if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
			return nil, errs.Field(errs.Invalid, "set", "the value of %q is no YAML; put quotes around a text", name)
		}
		v.given[name] = ""
		if len(doc.Content) == 0 {
			continue // nothing is an empty text
		}
		y := reader{left: maxNodes}
		value, err := y.value(doc.Content[0], 0)
		if err != nil {
			return nil, errs.Wrap(errs.Invalid, err, "the value of %q cannot be read", name)
		}
		v.given[name] = value
	}
	return v, nil
}

// fill makes the components of a declaration with variables, or of a template;
// none when there is nothing to fill.
func (v *Values) fill(raw json.RawMessage) ([]component.Component, error) {
	var kind struct {
		Type       string `json:"type_id"`
		Identifier string `json:"identifier"`
	}
	json.Unmarshal(raw, &kind) // what it is not is said by Decode
	if kind.Type == "template" {
		c, err := component.Decode(raw)
		if err != nil {
			return nil, err
		}
		return v.Fill(c.(*component.Template))
	}
	names, err := component.Variables(raw)
	if err != nil || len(names) == 0 {
		return nil, err
	}
	return v.Fill(&component.Template{Base: component.Base{Identifier: kind.Identifier}, Body: raw})
}

// Fill makes the components of a template with those of the values that it has
// variables for.
func (v *Values) Fill(t *component.Template) ([]component.Component, error) {
	names, err := component.Variables(t.Body)
	if err != nil {
		return nil, err
	}
	mine := map[string]any{}
	for _, name := range append(names, t.Variables...) {
		v.there[name] = true
		if value, ok := v.given[name]; ok {
			mine[name], v.used[name] = value, true
		}
	}
	return t.Fill(mine)
}

// Unused is the error for a value whose variable was nowhere.
func (v *Values) Unused() error {
	for _, name := range sorted(v.given) {
		if !v.used[name] {
			there := strings.Join(sorted(v.there), ", ")
			if there == "" {
				there = "none"
			}
			return errs.Field(errs.Invalid, "set", "%q is no variable of what is applied; it has %s", name, there)
		}
	}
	return nil
}
