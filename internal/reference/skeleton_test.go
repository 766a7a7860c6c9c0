package reference

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

var listing = regexp.MustCompile("(?s)\n`(mydb/[a-z_]+\\.go)`:\n\n```go\n(.*?)```")

// The store that the page begins with compiles outside the module and passes
// the suites.
func TestTheSkeletonOfAStorePassesTheSuites(t *testing.T) {
	here, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	files := listing.FindAllStringSubmatch(text(t, "../../docs/stores.md"), -1)
	if len(files) != 2 {
		t.Fatalf("docs/stores.md has %d listings, want a store and its test", len(files))
	}
	// Our requirements are taken over, so that nothing is fetched.
	mod := regexp.MustCompile(`(?m)^module .*$`).ReplaceAllString(text(t, "../../go.mod"), "module example.org/mydb")
	mod += "\nrequire github.com/varvedb/varve v0.0.0\n\nreplace github.com/varvedb/varve => " + here + "\n"
	dir := t.TempDir()
	put(t, filepath.Join(dir, "go.mod"), mod)
	put(t, filepath.Join(dir, "go.sum"), text(t, "../../go.sum"))
	for _, f := range files {
		put(t, filepath.Join(dir, filepath.Base(f[1])), f[2])
	}
	cmd := exec.Command("go", "test", "-short", "-run", ".", ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOPROXY=off", "GOWORK=off", "PWD="+dir)
	if out, err := cmd.CombinedOutput(); err != nil || !bytes.Contains(out, []byte("ok")) {
		t.Errorf("go test: %v\n%s", err, out)
	}
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
