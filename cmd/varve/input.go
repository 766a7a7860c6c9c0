package main

import (
	"context"
	"io"
	"os"

	"github.com/varvedb/varve/errs"
)

// input is standard input for as long as a run goes on. A read of a terminal or
// a pipe cannot be called off, and the first SIGINT has to end whoever waits in
// one. What waits then is left behind, and ends with the process.
type input struct {
	file  *os.File
	ended <-chan struct{}
	buf   []byte
}

// received is what a read of the file came to.
type received struct {
	n   int
	err error
}

// Read implements io.Reader. It is for one caller at a time.
func (in *input) Read(p []byte) (int, error) {
	if len(in.buf) < len(p) {
		in.buf = make([]byte, len(p))
	}
	got := make(chan received, 1)
	select {
	case <-in.ended: // a read that was left behind may still write to buf
		return 0, errEnded
	default:
		go func(to []byte) {
			n, err := in.file.Read(to)
			got <- received{n, err}
		}(in.buf[:len(p)])
	}
	select {
	case r := <-got:
		return copy(p, in.buf[:r.n]), r.err
	case <-in.ended:
		return 0, errEnded
	}
}

var errEnded = errs.Wrap(errs.Unavailable, context.Canceled, "the end of standard input was not waited for")

var _ io.Reader = (*input)(nil)
