package reference

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var listing = regexp.MustCompile("(?s)\n`(mydb/[a-z_]+\\.go)`:\n\n```go\n(.*?)```")

// The store that the page begins with compiles outside the module and passes
// the suites.
func TestTheSkeletonOfAStorePassesTheSuites(t *testing.T) {
	files := listing.FindAllStringSubmatch(text(t, "../../docs/stores.md"), -1)
	if len(files) != 2 {
		t.Fatalf("docs/stores.md has %d listings, want a store and its test", len(files))
	}
	dir := outside(t)
	for _, f := range files {
		put(t, filepath.Join(dir, filepath.Base(f[1])), f[2])
	}
	if out := goTool(t, dir, "test", "-short", "-run", ".", "."); !strings.Contains(out, "ok") {
		t.Errorf("go test: %s", out)
	}
}

var example = regexp.MustCompile("(?s)\n```go\n(package main.*?)```\n\n```\n(.*?)```")

func TestTheProgramOfTheReadmeSaysWhatIsWrittenThere(t *testing.T) {
	found := example.FindStringSubmatch(text(t, "../../README.md"))
	if found == nil {
		t.Fatal("README.md has no program with its output")
	}
	dir := outside(t)
	put(t, filepath.Join(dir, "main.go"), found[1])
	if got := goTool(t, dir, "run", "."); got != found[2] {
		t.Errorf("it says %q, README.md says %q", got, found[2])
	}
}

// outside makes a module of somebody else's beside this one. Our requirements
// are taken over, so that nothing is fetched.
func outside(t *testing.T) string {
	t.Helper()
	here, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	mod := regexp.MustCompile(`(?m)^module .*$`).ReplaceAllString(text(t, "../../go.mod"), "module example.org/mydb")
	mod += "\nrequire github.com/varvedb/varve v0.0.0\n\nreplace github.com/varvedb/varve => " + here + "\n"
	dir := t.TempDir()
	put(t, filepath.Join(dir, "go.mod"), mod)
	put(t, filepath.Join(dir, "go.sum"), text(t, "../../go.sum"))
	return dir
}

// goTool runs the go command in a folder and returns what it prints.
func goTool(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOPROXY=off", "GOWORK=off", "PWD="+dir)
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problems
	if err := cmd.Run(); err != nil {
		t.Fatalf("go %s: %v\n%s%s", strings.Join(args, " "), err, out.String(), problems.String())
	}
	return out.String()
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
