package reference

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// pythonType is a Go type of a component's field in Python: its annotation and
// its default.
var pythonTypes = map[string][2]string{
	"string":               {"str", `""`},
	"bool":                 {"bool", "False"},
	"int":                  {"int", "0"},
	"int64":                {"int", "0"},
	"*int":                 {"int | None", "None"},
	"[]string":             {"list[str]", "listed()"},
	"Object":               {"Object", "mapped()"},
	"json.RawMessage":      {"Any", "None"},
	"Child":                {"Child", "child()"},
	"[]Child":              {"list[Child]", "children()"},
	"map[string]FieldType": {"dict[str, Child]", "fields()"},
	"Bytes":                {"Bytes", "blob()"},
	"map[string]Bytes":     {"dict[str, Bytes]", "blobs()"},
}

const pythonHead = `"""What an application declares: a class for each type of component.

Made from the server's own types, and held against them by a test; to write it
again: make docs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ._component import (
    Bytes,
    Child,
    Component,
    Object,
    blob,
    blobs,
    child,
    children,
    fields,
    listed,
    mapped,
)

`

// The Python package declares what the server takes.
func TestTheClassesOfPythonAreTheTypesOfComponents(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../../component/kinds.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	k := declarations{t: t, structs: map[string]*ast.StructType{}, docs: map[string]string{}, ids: map[string]string{}}
	ast.Inspect(file, k.visit)
	var classes, names strings.Builder
	for _, name := range k.order {
		if k.ids[name] == "" {
			continue
		}
		fmt.Fprintf(&names, "    %q,\n", name)
		classes.WriteString("\n\n" + k.class(name))
	}
	isFile(t, "../../python/varve/components.py", pythonHead+"__all__ = [\n    \"Component\",\n"+names.String()+"]\n"+classes.String())
}

// declarations are those of a file, and the type_ids of its structs.
type declarations struct {
	t       *testing.T
	order   []string
	structs map[string]*ast.StructType
	docs    map[string]string
	ids     map[string]string
}

func (k *declarations) visit(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.GenDecl:
		for _, spec := range n.Specs {
			if s, ok := spec.(*ast.TypeSpec); ok {
				if of, ok := s.Type.(*ast.StructType); ok {
					k.order, k.structs[s.Name.Name], k.docs[s.Name.Name] = append(k.order, s.Name.Name), of, n.Doc.Text()
				}
			}
		}
	case *ast.FuncDecl:
		if n.Name.Name != "Type" || n.Recv == nil {
			return false
		}
		of := n.Recv.List[0].Type.(*ast.StarExpr).X.(*ast.Ident).Name
		id, err := strconv.Unquote(n.Body.List[0].(*ast.ReturnStmt).Results[0].(*ast.BasicLit).Value)
		if err != nil {
			k.t.Fatal(err)
		}
		k.ids[of] = id
	}
	return true
}

// slot is a field of a class.
type slot struct{ inGo, name, typ, doc string }

func (k *declarations) slots(name string) (out []slot) {
	for _, f := range k.structs[name].Fields.List {
		if len(f.Names) == 0 || f.Tag == nil {
			continue
		}
		tag, err := strconv.Unquote(f.Tag.Value)
		if err != nil {
			k.t.Fatal(err)
		}
		json, _, _ := strings.Cut(reflect.StructTag(tag).Get("json"), ",")
		if json != "-" {
			out = append(out, slot{f.Names[0].Name, json, source(f.Type), strings.TrimSpace(f.Doc.Text() + " " + f.Comment.Text())})
		}
	}
	return out
}

// source is a type as it is written.
func source(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.StarExpr:
		return "*" + source(e.X)
	case *ast.ArrayType:
		return "[]" + source(e.Elt)
	case *ast.MapType:
		return "map[" + source(e.Key) + "]" + source(e.Value)
	case *ast.SelectorExpr:
		return source(e.X) + "." + e.Sel.Name
	}
	return "?"
}

var seeAlso = regexp.MustCompile(`; see \[[^\]]+\]`)

func (k *declarations) class(name string) string {
	own, base := k.slots(name), k.slots("Base")
	say := func(doc string) string {
		doc = seeAlso.ReplaceAllString(strings.Join(strings.Fields(doc), " "), "")
		for _, s := range append(own, base...) {
			if s.inGo != name {
				doc = regexp.MustCompile(`\b`+s.inGo+`\b`).ReplaceAllString(doc, "``"+s.name+"``")
			}
		}
		return doc
	}
	var b strings.Builder
	fmt.Fprintf(&b, "@dataclass\nclass %s(Component, type_id=%q):\n", name, k.ids[name])
	b.WriteString(wrapped(`    """`, "    ", say(k.docs[name])+`"""`) + "\n    identifier: str\n")
	for i, s := range append(own, base[1:]...) {
		as, known := pythonTypes[s.typ]
		if !known {
			k.t.Fatalf("%s.%s is a %s, which has no type in Python yet", name, s.inGo, s.typ)
		}
		if s.doc != "" && i < len(own) { // those of all are told by Component
			b.WriteString(wrapped("    # ", "    # ", say(s.doc)))
		}
		fmt.Fprintf(&b, "    %s: %s = %s\n", s.name, as[0], as[1])
	}
	return b.String()
}

// wrapped breaks a text into lines.
func wrapped(first, next, text string) string {
	var b strings.Builder
	line := first
	for i, word := range strings.Fields(text) {
		if i > 0 && len(line)+1+len(word) > 84 {
			b.WriteString(strings.TrimRight(line, " ") + "\n")
			line = next
		} else if i > 0 {
			line += " "
		}
		line += word
	}
	return b.String() + line + "\n"
}
