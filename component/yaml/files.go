package yaml

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/varvedb/varve/component"
	"github.com/varvedb/varve/errs"
)

// Read reads declarations as people write them: YAML, of which JSON is a part.
// A file holds one or more documents, and a document a component or a list of
// them. Errors name the document, the line and the field.
func Read(r io.Reader) ([]component.Component, error) {
	var f Files
	err := f.Read("", r)
	return f.Components, err
}

// Files are declarations out of files that are applied together. The zero
// value has none.
type Files struct {
	Components []component.Component
	// Values fill the variables of what is read. If there are any, a template
	// becomes the components that it makes.
	Values *Values

	places map[component.Name]place
}

// place is where a component is declared.
type place struct {
	file     string
	document int
	node     *yaml.Node
	order    int // in which it was met
}

// Read reads one more file, whose name errors say.
func (f *Files) Read(name string, r io.Reader) error {
	d := yaml.NewDecoder(r)
	for n := 1; ; n++ {
		var doc yaml.Node
		err := d.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return nil
		}
		at := place{file: name, document: n, node: &doc}
		if err != nil {
			return at.of(errs.Wrap(errs.Invalid, err, "is no YAML"))
		}
		if err := f.add(at); err != nil {
			return err
		}
	}
}

func (f *Files) add(at place) error {
	if len(at.node.Content) == 0 {
		return nil
	}
	root := at.node.Content[0]
	y := reader{left: maxNodes}
	v, err := y.value(root, 0)
	if err != nil || v == nil { // an empty document is none
		return at.of(err)
	}
	list, nodes := []any{v}, []*yaml.Node{root}
	if items, ok := v.([]any); ok {
		list, nodes = items, meant(root).Content
	}
	for i, item := range list {
		in := place{file: at.file, document: at.document, node: nodes[i]}
		found, err := f.declared(item)
		if err != nil {
			return in.of(err)
		}
		f.Components = append(f.Components, found...)
		f.remember(in)
	}
	return nil
}

// declared are the components that a value declares.
func (f *Files) declared(v any) ([]component.Component, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, errs.Wrap(errs.Invalid, err, "has a value that is no JSON")
	}
	if f.Values != nil {
		filled, err := f.Values.fill(raw)
		if err != nil || filled != nil {
			return filled, err
		}
	}
	c, err := component.Decode(raw)
	return []component.Component{c}, err
}

// remember notes where components are declared, the first time that they are.
func (f *Files) remember(at place) {
	if f.places == nil {
		f.places = map[component.Name]place{}
	}
	n := at.node
	if n.Kind == yaml.MappingNode {
		name := component.Name{Type: text(n, "type_id"), Identifier: text(n, "identifier")}
		if _, known := f.places[name]; !known && name != (component.Name{}) {
			at.order = len(f.places)
			f.places[name] = at
		}
	}
	for _, inner := range n.Content {
		f.remember(place{file: at.file, document: at.document, node: inner})
	}
}

// Place gives an error about a component the place at which it is declared
// here: the file, the document, the line. Other errors stay as they are.
func (f *Files) Place(err error) error {
	var e *errs.Error
	if !errors.As(err, &e) {
		return err
	}
	var best string
	var at place
	for name, p := range f.places {
		s := name.String()
		if (e.Field == s || strings.HasPrefix(e.Field, s+".")) && len(s) > len(best) {
			best, at = s, p
		}
	}
	if best == "" {
		return f.misnamed(e, err)
	}
	return at.about(err, strings.TrimPrefix(e.Field[len(best):], "."))
}

// misnamed gives an error about an identifier its place. It says the type alone,
// since an identifier that cannot be one had better not be repeated; what is met
// first is refused first.
func (f *Files) misnamed(e *errs.Error, err error) error {
	var at *place
	for name, p := range f.places {
		if e.Field == name.Type+".identifier" && name.Check() != nil && (at == nil || p.order < at.order) {
			at = &p
		}
	}
	if at == nil {
		return err
	}
	return at.about(err, "identifier")
}

// of says where an error is whose field is a path from here.
func (p place) of(err error) error {
	var e *errs.Error
	if !errors.As(err, &e) {
		return err
	}
	return p.about(err, e.Field)
}

// about puts the place of an input behind an error's sentence, and leaves its
// field alone.
func (p place) about(err error, path string) error {
	var e *errs.Error
	if !errors.As(err, &e) {
		return err
	}
	where := fmt.Sprintf("document %d", p.document)
	if p.file != "" {
		where = p.file + ", " + where
	}
	if line := find(p.node, path).Line; line > 0 && !strings.HasPrefix(e.Detail, "line ") {
		where += fmt.Sprintf(", line %d", line)
	}
	moved := *e
	moved.Detail += " (" + where + ")"
	return &moved
}

// meant is what an alias stands for, and else the node.
func meant(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

// text is the value of a key, "" if it has none.
func text(n *yaml.Node, key string) string {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if v := meant(n.Content[i+1]); n.Content[i].Value == key && v.Kind == yaml.ScalarNode {
			return v.Value
		}
	}
	return ""
}

// find follows a path such as "components[1].model.config", as far as it goes.
func find(n *yaml.Node, path string) *yaml.Node {
	n = meant(n)
	if path == "" {
		return n
	}
	switch n.Kind {
	case yaml.DocumentNode:
		if len(n.Content) > 0 {
			return find(n.Content[0], path)
		}
	case yaml.SequenceNode:
		var i int
		if _, err := fmt.Sscanf(path, "[%d]", &i); err == nil && i >= 0 && i < len(n.Content) {
			_, rest, _ := strings.Cut(path, "]")
			return find(n.Content[i], strings.TrimPrefix(rest, "."))
		}
	case yaml.MappingNode:
		return findKey(n, path)
	}
	return n
}

// findKey takes the longest key that the path begins with, since keys have
// points in them, too.
func findKey(n *yaml.Node, path string) *yaml.Node {
	best := -1
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i].Value
		rest, ok := strings.CutPrefix(path, key)
		if ok && (rest == "" || rest[0] == '.' || rest[0] == '[') && (best < 0 || len(key) > len(n.Content[best].Value)) {
			best = i
		}
	}
	if best < 0 {
		return n
	}
	rest := strings.TrimPrefix(path, n.Content[best].Value)
	if rest == "" {
		return n.Content[best]
	}
	return find(n.Content[best+1], strings.TrimPrefix(rest, "."))
}
