// Package yaml reads components as people write them.
//
//	type_id: listener
//	identifier: embed
//	key: text
//	model: {type_id: model, identifier: words, kind: hash}
//	select: {select: {from: docs}}
//
// It stands apart from the room so that a program that keeps none in files
// does not link a reader of YAML.
package yaml

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/varvedb/varve/errs"
)

// maxNodes bounds what the aliases of a document may unfold to.
const maxNodes = 1 << 18

const maxDepth = 100

// reader turns YAML into the values of JSON.
type reader struct{ left int }

func (y *reader) value(n *yaml.Node, depth int) (any, error) {
	if y.left--; y.left < 0 {
		return nil, errs.New(errs.TooLarge, "has more than %d values", maxNodes)
	}
	if depth > maxDepth {
		return nil, atLine(n, "is nested more than %d deep", maxDepth)
	}
	switch n.Kind {
	case yaml.DocumentNode:
		return y.value(n.Content[0], depth)
	case yaml.AliasNode:
		return y.value(n.Alias, depth+1)
	case yaml.SequenceNode:
		list := make([]any, len(n.Content))
		for i, item := range n.Content {
			var err error
			if list[i], err = y.value(item, depth+1); err != nil {
				return nil, err
			}
		}
		return list, nil
	case yaml.MappingNode:
		return y.mapping(n, depth)
	}
	return scalar(n)
}

func (y *reader) mapping(n *yaml.Node, depth int) (any, error) {
	m := map[string]any{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.Kind != yaml.ScalarNode {
			return nil, atLine(key, "a key is a text")
		}
		if key.Tag == "!!merge" {
			return nil, atLine(key, "<< is not understood; write the fields out")
		}
		if _, twice := m[key.Value]; twice {
			return nil, atLine(key, "%q stands twice", key.Value)
		}
		v, err := y.value(n.Content[i+1], depth+1)
		if err != nil {
			return nil, err
		}
		m[key.Value] = v
	}
	return m, nil
}

// scalar reads a value by YAML's own rules, but a date is a text.
func scalar(n *yaml.Node) (any, error) {
	switch n.ShortTag() {
	case "!!null":
		return nil, nil
	case "!!bool":
		var b bool
		err := n.Decode(&b)
		return b, err
	case "!!int":
		return integer(n)
	case "!!float":
		var f float64
		if err := n.Decode(&f); err != nil {
			return nil, atLine(n, "%q is no number", n.Value)
		}
		if json.Valid([]byte(n.Value)) {
			return json.Number(n.Value), nil // as it is written
		}
		raw, err := json.Marshal(f)
		if err != nil {
			return nil, atLine(n, "%q is a number that JSON does not have", n.Value)
		}
		return json.Number(raw), nil
	case "!!binary":
		return map[string]any{"base64": strings.Join(strings.Fields(n.Value), "")}, nil
	}
	return n.Value, nil
}

func integer(n *yaml.Node) (any, error) {
	var i int64
	if err := n.Decode(&i); err == nil {
		return json.Number(strconv.FormatInt(i, 10)), nil
	}
	if digits := strings.TrimPrefix(n.Value, "+"); json.Valid([]byte(digits)) {
		return json.Number(digits), nil // of more digits than an int64 has
	}
	return nil, atLine(n, "%q is no number", n.Value)
}

func atLine(n *yaml.Node, format string, args ...any) error {
	return errs.New(errs.Invalid, "line %d: %s", n.Line, fmt.Sprintf(format, args...))
}
