package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"syscall"
	"testing"

	"github.com/varvedb/varve/errs"
)

// A program that waits for its standard input ends at the first signal.
func TestASignalEndsTheWaitForInput(t *testing.T) {
	for _, args := range [][]string{
		{"apply", "-"},
		{"artifact", "put", "-"},
		{"lake", "put", "-", "--filename", "x"},
		{"query", "-"},
	} {
		args = append(args, "--data", t.TempDir())
		cmd := command(t, args...)
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		said := new(bytes.Buffer)
		cmd.Stderr = said
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		// More than a pipe holds: when it is written, somebody reads.
		if _, err := in.Write(bytes.Repeat([]byte("# nothing yet\n"), 20<<10)); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		cmd.Wait() // without end, if the signal does nothing
		if code := cmd.ProcessState.ExitCode(); code < exitFailure {
			t.Errorf("%v: ended with %d: %s", args, code, said)
		}
		in.Close()
	}
}

func TestInputIsReadToItsEnd(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	ended := make(chan struct{})
	in := &input{file: r, ended: ended}
	want := bytes.Repeat([]byte("0123456789"), 1000)
	if _, err := w.Write(want); err != nil {
		t.Fatal(err)
	}
	w.Close()
	if got, err := io.ReadAll(in); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	close(ended)
	if _, err := in.Read(make([]byte, 1)); !errors.Is(err, errs.Unavailable) {
		t.Errorf("after the end of the run: %v", err)
	}
	if terminal(in) {
		t.Error("a pipe is a terminal")
	}
}
