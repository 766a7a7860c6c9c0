package main

import (
	"bytes"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// command is the program with arguments, to be run without the settings of whoever
// runs the tests.
func command(t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	path, err := lookPath(os.Getenv("PATH"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, args...)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "VARVE_") })
	return cmd
}

// output runs what must succeed.
func output(t testing.TB, cmd *exec.Cmd) []byte {
	t.Helper()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v\n%s%s", cmd.Args[1:], err, out, stderr.Bytes())
	}
	return out
}
