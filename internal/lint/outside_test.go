package lint

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A program of somebody else that keeps conversations on PostgreSQL and wants
// nothing more must not carry an embedded database, a bucket library or a web
// framework. It is compiled here, outside the module, and asked what it links.
func TestConversationsOnPostgreSQLLinkNothingElse(t *testing.T) {
	allSources(t) // read, so that the answer is not remembered past a change
	dir := outsideModule(t, chatOnPostgreSQL)
	command(t, dir, "build", "-o", filepath.Join(dir, "program"), ".")
	linked := strings.Fields(command(t, dir, "list", "-deps", "."))
	if !slices.Contains(linked, module+"/store/postgres") || !slices.Contains(linked, "github.com/jackc/pgx/v5") {
		t.Fatalf("the program does not even link PostgreSQL: %q", linked)
	}
	for _, p := range linked {
		if room, ours := within(p); ours && (strings.Contains(room, "sqlite") || strings.HasPrefix(room, "server") || room == "blob") {
			t.Errorf("links %s", p)
		}
		if owners, known := ownersOf(p); known && !slices.Contains(owners, "chat") && !slices.Contains(owners, "store/postgres") {
			t.Errorf("links %s, which belongs to %q", p, owners)
		}
	}
}

const chatOnPostgreSQL = `package main

import (
	"context"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/store/postgres"
)

func main() {
	st, err := postgres.Open(context.Background(), "postgres://localhost/app", postgres.Options{})
	if err != nil {
		panic(err)
	}
	service := chat.NewService(st.Chat(), chat.Options{})
	_, _ = service.Thread(context.Background(), "t1")
}
`

// outsideModule writes a program into a module of its own that requires this
// one. It takes our requirements and their sums over, so that nothing is
// fetched.
func outsideModule(t *testing.T, program string) string {
	t.Helper()
	dir := t.TempDir()
	here, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	sum, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	mod = bytes.Replace(mod, []byte("module "+module), []byte("module example.org/outside"), 1)
	mod = append(mod, "\nrequire "+module+" v0.0.0\n\nreplace "+module+" => "+here+"\n"...)
	for name, text := range map[string][]byte{"go.mod": mod, "go.sum": sum, "main.go": []byte(program)} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func command(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOPROXY=off", "GOWORK=off", "PWD="+dir)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, errs.String())
	}
	return out.String()
}
