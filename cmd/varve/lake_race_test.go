package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Two processes want the same name, one for a file and one for a folder: one of
// them gets it, and the other is told.
func TestAFileAndAFolderOfOneNameByTwoProcesses(t *testing.T) {
	dir := t.TempDir()
	content := filepath.Join(dir, "content")
	if err := os.WriteFile(content, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	put := func(args ...string) *exec.Cmd {
		return command(t, append([]string{"lake", "put", content, "--json", "--data", filepath.Join(dir, "data")}, args...)...)
	}
	if out, err := put("--filename", "first").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for i := range 8 {
		name := fmt.Sprint("d", i)
		said := [2]strings.Builder{}
		both := [2]*exec.Cmd{put("--filename", name), put("--path", name, "--filename", "x")}
		for i, cmd := range both {
			cmd.Stderr = &said[i]
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
		}
		failed := 0
		for i, cmd := range both {
			if cmd.Wait() == nil {
				continue
			}
			failed++
			if !strings.Contains(said[i].String(), `"kind":"exists"`) {
				t.Errorf("%s: %s", name, &said[i])
			}
		}
		if failed != 1 {
			t.Errorf("%s: %d of two were refused", name, failed)
		}
	}
}
