// Package goid tells goroutines apart. A store whose writes run one at a time
// uses it for one thing: to answer a write that would wait for itself with an
// error instead of a deadlock, whatever context it was called with.
package goid

import (
	"bytes"
	"runtime"
	"strconv"
)

// Current is the number of the calling goroutine, read off its stack trace,
// the only place where the runtime shows it. It costs about a microsecond, so
// ask only when a wait on oneself is possible.
func Current() uint64 {
	var buf [64]byte
	line := buf[:runtime.Stack(buf[:], false)]
	line = bytes.TrimPrefix(line, []byte("goroutine "))
	line, _, _ = bytes.Cut(line, []byte(" "))
	n, _ := strconv.ParseUint(string(line), 10, 64)
	return n
}
