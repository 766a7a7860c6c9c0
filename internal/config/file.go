package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/varvedb/varve/errs"
)

// DefaultFile is read if it is there.
const DefaultFile = "varve.yaml"

func (c *Config) readFile(path string, needed bool) error {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && !needed {
		return nil
	}
	if err != nil {
		return errs.Field(errs.Invalid, "config", "the file %s cannot be read: %s", path, cause(err))
	}
	return c.decode(path, raw)
}

// cause is the last error of a chain, which does not repeat the path.
func cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// decode reads a YAML document: a mapping of settings.
func (c *Config) decode(path string, raw []byte) error {
	var doc, more yaml.Node
	d := yaml.NewDecoder(bytes.NewReader(raw))
	err := d.Decode(&doc)
	if errors.Is(err, io.EOF) {
		return nil // nothing but comments
	}
	if err != nil {
		return syntax(path, err)
	}
	if err := d.Decode(&more); !errors.Is(err, io.EOF) {
		return errs.Field(errs.Invalid, "config", "the file holds more than one document (%s)", path)
	}
	root := doc.Content[0]
	if root.Kind == yaml.ScalarNode && root.Tag == "!!null" {
		return nil
	}
	if root.Kind != yaml.MappingNode {
		return errs.Field(errs.Invalid, "config", "the file is no mapping of settings (%s:%d)", path, root.Line)
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(root.Content); i += 2 {
		if err := c.decodeSetting(path, root.Content[i], root.Content[i+1], seen); err != nil {
			return err
		}
	}
	return nil
}

func (c *Config) decodeSetting(path string, name, value *yaml.Node, seen map[string]bool) error {
	where := fmt.Sprintf("%s:%d", path, name.Line)
	k, ok := find(name.Value)
	if !ok {
		return errs.Field(errs.Invalid, name.Value, "there is no such key; known are %s (%s)", strings.Join(Names(), ", "), where)
	}
	if seen[k.name] {
		return errs.Field(errs.Invalid, k.name, "is set twice (%s)", where)
	}
	seen[k.name] = true
	values, err := k.decode(value)
	if err != nil {
		return errs.Field(errs.Invalid, k.name, "%s (%s)", err, where)
	}
	if values == nil {
		return nil
	}
	return c.set(k, values, where)
}

// decode turns a node into the values of a setting; nil: it is not set.
func (k setting) decode(n *yaml.Node) ([]string, error) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	var values []string
	switch {
	case n.Kind == yaml.ScalarNode && n.Tag == "!!null":
		return nil, nil
	case n.Kind == yaml.ScalarNode:
		return []string{n.Value}, nil
	case n.Kind == yaml.MappingNode && k.pairs():
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i+1].Kind != yaml.ScalarNode {
				return nil, errs.New(errs.Invalid, "is a mapping of names to texts")
			}
			values = append(values, n.Content[i].Value+"="+n.Content[i+1].Value)
		}
	case n.Kind == yaml.SequenceNode && k.many:
		for _, item := range n.Content {
			if item.Kind != yaml.ScalarNode {
				return nil, errs.New(errs.Invalid, "is a list of texts")
			}
			values = append(values, item.Value)
		}
	case k.many:
		return nil, errs.New(errs.Invalid, "is a text or a list of texts")
	default:
		return nil, errs.New(errs.Invalid, "is a text")
	}
	return values, nil
}

// pairs tells whether a setting's values are NAME=VALUE.
func (k setting) pairs() bool { return k.name == "database" || k.name == "log" }

var yamlLine = regexp.MustCompile(`^yaml: line (\d+): `)

// syntax puts the line of a YAML error where the other errors have it.
func syntax(path string, err error) error {
	text := err.Error()
	where := path + ":1" // the library names lines from the second on only
	if m := yamlLine.FindStringSubmatch(text); m != nil {
		where, text = path+":"+m[1], strings.TrimPrefix(text, m[0])
	}
	return errs.Field(errs.Invalid, "config", "no YAML: %s (%s)", strings.TrimPrefix(text, "yaml: "), where)
}
