package lint

import (
	"bytes"
	"go/ast"
	"path"
	"slices"
	"strings"
	"testing"
)

// A file that does not fit in the head is two files.
const maxLines = 500

// kindsOfCode are folder names that say how something is made and not what it
// is; whatever has no other home ends up there.
var kindsOfCode = []string{
	"util", "utils", "helper", "helpers", "common", "misc", "base", "models", "types", "interfaces", "pkg", "lib",
}

func TestFoldersAreNouns(t *testing.T) {
	for _, s := range allSources(t) {
		for _, part := range strings.Split(s.room, "/") {
			if slices.Contains(kindsOfCode, part) {
				t.Errorf("%s: a folder is a noun or a dependency, never a kind of code (%q)", s.path, part)
			}
		}
	}
}

func TestPackagesOpenWithAComment(t *testing.T) {
	commented := map[string]bool{}
	for _, s := range allSources(t) {
		if !s.test {
			commented[s.room] = commented[s.room] || s.file.Doc != nil
		}
	}
	for room, ok := range commented {
		if !ok {
			t.Errorf("package in %q has no package comment", room)
		}
	}
}

func TestFilesAreSmall(t *testing.T) {
	for _, s := range allSources(t) {
		if n := bytes.Count(s.text, []byte("\n")); n > maxLines && !s.test {
			t.Errorf("%s has %d lines, over %d", s.path, n, maxLines)
		}
	}
}

// What runs at import cannot be ordered, tested or left out.
func TestNothingRunsAtImport(t *testing.T) {
	for _, s := range allSources(t) {
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				t.Errorf("%s: func init", s.at(f))
			}
		}
	}
}

// A sleep is a guess about another machine's speed: wait for what you mean, or
// use testing/synctest.
func TestTestsDoNotSleep(t *testing.T) {
	for _, s := range allSources(t) {
		if !s.test && !slices.Contains(proofs, s.room) {
			continue
		}
		calls(s, func(pkg, name string, at ast.Node) {
			if pkg == "time" && name == "Sleep" {
				t.Errorf("%s: time.Sleep", s.at(at))
			}
		})
	}
}

// A library returns its errors; only a command decides that the process ends.
func TestOnlyCommandsEndTheProcess(t *testing.T) {
	for _, s := range allSources(t) {
		if s.test || strings.HasPrefix(s.room, "cmd/") {
			continue
		}
		calls(s, func(pkg, name string, at ast.Node) {
			if pkg == "os" && name == "Exit" || pkg == "log" && strings.HasPrefix(name, "Fatal") {
				t.Errorf("%s: %s.%s", s.at(at), pkg, name)
			}
		})
	}
}

// The comment of an interface method is its contract; the suites quote it.
func TestInterfaceMethodsHaveContracts(t *testing.T) {
	for _, s := range allSources(t) {
		if s.test || internal(s.room) {
			continue
		}
		interfaces(s.file, func(name string, i *ast.InterfaceType) {
			for _, m := range i.Methods.List {
				if len(m.Names) > 0 && m.Names[0].IsExported() && m.Doc == nil && m.Comment == nil {
					t.Errorf("%s: %s.%s has no comment", s.at(m), name, m.Names[0].Name)
				}
			}
		})
	}
}

// A context belongs to a call. Kept in a struct, it outlives its deadline;
// unless the struct also keeps the function that ends it, and so owns it.
func TestContextsAreNotStored(t *testing.T) {
	for _, s := range allSources(t) {
		if s.test || slices.Contains(proofs, s.room) {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if st, ok := n.(*ast.StructType); ok && keeps(st, "Context") && !keeps(st, "CancelFunc") {
				t.Errorf("%s: a context is stored in a struct", s.at(st))
			}
			return true
		})
	}
}

// keeps tells whether a struct has a field of a type of package context.
func keeps(st *ast.StructType, name string) bool {
	return slices.ContainsFunc(st.Fields.List, func(f *ast.Field) bool {
		sel, ok := f.Type.(*ast.SelectorExpr)
		return ok && isName(sel.X, "context") && sel.Sel.Name == name
	})
}

// calls visits every pkg.name that a file mentions.
func calls(s source, visit func(pkg, name string, at ast.Node)) {
	ast.Inspect(s.file, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := sel.X.(*ast.Ident); ok && x.Obj == nil {
				visit(x.Name, sel.Sel.Name, sel)
			}
		}
		return true
	})
}

// interfaces visits the exported interfaces that a file declares.
func interfaces(f *ast.File, visit func(name string, i *ast.InterfaceType)) {
	for _, d := range f.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, spec := range g.Specs {
			if ts, ok := spec.(*ast.TypeSpec); ok && ts.Name.IsExported() {
				if i, ok := ts.Type.(*ast.InterfaceType); ok {
					visit(ts.Name.Name, i)
				}
			}
		}
	}
}

func isName(e ast.Expr, name string) bool {
	x, ok := e.(*ast.Ident)
	return ok && x.Name == name
}

func internal(room string) bool {
	return strings.Contains("/"+room+"/", "/internal/") || path.Dir(room) == "cmd"
}
