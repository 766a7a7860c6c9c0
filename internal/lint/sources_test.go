package lint

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

const module = "github.com/varvedb/varve"

// root is the module's folder, seen from this package's.
const root = "../.."

// A source is one Go file. Its room is the folder below the module, "" for the
// front door.
type source struct {
	path string
	room string
	test bool
	text []byte
	fset *token.FileSet
	file *ast.File
}

// imports returns the paths a source imports.
func (s source) imports() []string {
	var paths []string
	for _, spec := range s.file.Imports {
		paths = append(paths, strings.Trim(spec.Path.Value, `"`))
	}
	return paths
}

// at says where a node stands, for a message.
func (s source) at(n ast.Node) token.Position {
	return s.fset.Position(n.Pos())
}

// sources reads every Go file of the module, once.
var sources = sync.OnceValues(func() ([]source, error) {
	var found []source
	err := walk(func(name string, text []byte) error {
		if path.Ext(name) != ".go" {
			return nil
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, name, text, parser.ParseComments)
		if err != nil {
			return err
		}
		room := path.Dir(name)
		if room == "." {
			room = ""
		}
		found = append(found, source{name, room, strings.HasSuffix(name, "_test.go"), text, fset, file})
		return nil
	})
	return found, err
})

func allSources(t *testing.T) []source {
	t.Helper()
	all, err := sources()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 20 {
		t.Fatalf("found %d Go files: the walk is broken", len(all))
	}
	return all
}

// walk reads every text file that belongs to the project. Folders that only
// tools write to, which .gitignore names, are none of ours.
func walk(each func(name string, text []byte) error) error {
	return filepath.WalkDir(root, func(full string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, full)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		if d.IsDir() {
			if skipped(name) {
				return filepath.SkipDir
			}
			return nil
		}
		if !written[path.Ext(name)] && !strings.HasPrefix(name, "scripts/") && name != "Makefile" {
			return nil
		}
		text, err := os.ReadFile(full)
		if err != nil {
			return err
		}
		return each(name, text)
	})
}

func skipped(folder string) bool {
	switch base := path.Base(folder); base {
	case ".git", ".cache", ".venv", ".pytest_cache", "__pycache__", "build", "dist", "node_modules", ".ruff_cache", ".mypy_cache":
		return true
	default:
		return folder == "bin" || folder == "varve-data" || strings.HasSuffix(base, ".egg-info")
	}
}

// written are the endings of what people write by hand.
var written = map[string]bool{
	".go": true, ".md": true, ".py": true, ".sql": true, ".sh": true, ".txt": true,
	".toml": true, ".yml": true, ".yaml": true, ".mod": true, ".json": true, ".ini": true,
}
