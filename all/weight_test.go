package all_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const oneDatabase = `package main

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/varvedb/varve"
	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/store/postgres"
)

func main() {
	drivers := map[string]varve.Driver{
		"postgres": func(ctx context.Context, src varve.Source, log *slog.Logger) (store.Store, error) {
			return postgres.Open(ctx, src.URL, postgres.Options{Log: log})
		},
	}
	db, err := varve.Open(context.Background(), "", &varve.Options{Drivers: drivers})
	if err == nil {
		_, err = db.Chat().Thread(context.Background(), "t1")
	}
	fmt.Println(err)
}
`

// TestAProgramLinksOnlyWhatItNames builds a module of somebody else's that
// wants conversations on PostgreSQL.
func TestAProgramLinksOnlyWhatItNames(t *testing.T) {
	dir := outside(t, oneDatabase)
	goTool(t, dir, "build", "-o", filepath.Join(dir, "program"), ".")
	linked := strings.Fields(goTool(t, dir, "list", "-deps", "."))
	if len(linked) < 10 {
		t.Fatalf("only %d packages are linked", len(linked))
	}
	for _, pkg := range linked {
		for _, heavy := range []string{"sqlite", "wazero", "huma", "aws-sdk", "go-sql-driver", "prometheus", "varve/server", "varve/client", "varve/all", "duckdb", "kong", "yaml"} {
			if strings.Contains(pkg, heavy) {
				t.Errorf("%s is linked", pkg)
			}
		}
	}
}

// outside makes a module with this one beside it, at this one's versions.
func outside(t *testing.T, program string) string {
	t.Helper()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(mod), "\n")
	sum, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, content := range map[string]string{
		"go.mod": "module example.org/outside\n" + rest + "\nrequire github.com/varvedb/varve v0.0.0\nreplace github.com/varvedb/varve => " + root + "\n",
		"go.sum": string(sum), "main.go": program,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func goTool(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod", "GOPROXY=off")
	out, err := cmd.Output()
	if err != nil {
		var stderr []byte
		if e, ok := err.(*exec.ExitError); ok {
			stderr = e.Stderr
		}
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, stderr)
	}
	return string(out)
}
