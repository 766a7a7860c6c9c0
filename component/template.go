package component

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"github.com/varvedb/varve/errs"
)

var variable = regexp.MustCompile(`<var:([A-Za-z_][A-Za-z0-9_.-]*)>`)

// check finds the variables of a template that does not list them, and
// refuses a list that is not of those that are there.
func (t *Template) check() error {
	body, err := parse(t.Body)
	if err != nil {
		return at("template", err)
	}
	used := variablesIn(nil, body)
	if len(t.Variables) == 0 {
		t.Variables = used
	}
	listed := slices.Clone(t.Variables)
	slices.Sort(listed)
	t.Variables = slices.Compact(listed)
	for _, name := range used {
		if !slices.Contains(t.Variables, name) {
			return errs.Field(errs.Invalid, "template_variables", "does not list %q, which the template has", name)
		}
	}
	return nil
}

// variablesIn lists the variables of a document, each once and in order.
func variablesIn(found []string, v any) []string {
	switch v := v.(type) {
	case map[string]any:
		for key, item := range v {
			found = variablesIn(variablesIn(found, key), item)
		}
	case []any:
		for _, item := range v {
			found = variablesIn(found, item)
		}
	case string:
		for _, m := range variable.FindAllStringSubmatch(v, -1) {
			found = append(found, m[1])
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// Variables lists the variables of a JSON value, each once and in order.
func Variables(raw json.RawMessage) ([]string, error) {
	v, err := parse(raw)
	return variablesIn(nil, v), err
}

// Fill makes the components of a template. A text that is a variable and
// nothing else becomes its value, of whatever type; a variable within a text
// becomes the text of its value. A variable without a value and a value
// without a variable are errs.Invalid.
func (t *Template) Fill(values map[string]any) ([]Component, error) {
	body, err := parse(t.Body)
	if err != nil {
		return nil, at("template", err)
	}
	used := variablesIn(nil, body)
	given := map[string]any{}
	for _, name := range sortedKeys(values) {
		if !slices.Contains(used, name) && !slices.Contains(t.Variables, name) {
			return nil, errs.Field(errs.Invalid, name, "is no variable of the template %q; it has %s", t.Identifier, strings.Join(used, ", "))
		}
		if given[name], err = generic(values[name]); err != nil {
			return nil, at(name, err)
		}
	}
	for _, name := range used {
		if _, ok := given[name]; !ok {
			return nil, errs.Field(errs.Invalid, name, "is a variable of the template %q and has no value", t.Identifier)
		}
	}
	filled, err := fill(body, given)
	if err != nil {
		return nil, err
	}
	list, ok := filled.([]any)
	if !ok {
		list = []any{filled}
	}
	out := make([]Component, len(list))
	for i, doc := range list {
		if out[i], err = (decoder{strict: true}).component("", doc); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func fill(v any, values map[string]any) (any, error) {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, item := range v {
			name, err := fill(key, values)
			text, ok := name.(string)
			if err == nil && !ok {
				err = errs.Field(errs.Invalid, key, "stands for a key, so its value is a text")
			}
			if err != nil {
				return nil, err
			}
			if out[text], err = fill(item, values); err != nil {
				return nil, err
			}
		}
		return out, nil
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			var err error
			if out[i], err = fill(item, values); err != nil {
				return nil, err
			}
		}
		return out, nil
	case string:
		if m := variable.FindStringSubmatch(v); m != nil && m[0] == v {
			return values[m[1]], nil
		}
		return variable.ReplaceAllStringFunc(v, func(mark string) string {
			return asText(values[variable.FindStringSubmatch(mark)[1]])
		}), nil
	}
	return v, nil
}

// asText is a value within a text: a text as it is, anything else as JSON.
func asText(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	raw, err := appendCanonical(nil, v)
	if err != nil {
		return ""
	}
	return string(raw)
}

// Body makes the body of a template of components that may hold variables.
func Body(docs ...json.RawMessage) json.RawMessage {
	if len(docs) == 1 {
		return docs[0]
	}
	raw, _ := json.Marshal(docs) // of JSON
	return raw
}
