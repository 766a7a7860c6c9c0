package folder

import (
	"io/fs"
	"syscall"
)

// identity is what a file has that another at its place has not: its number, and
// when anything about it changed last.
func identity(info fs.FileInfo) (number uint64, changed int64) {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return st.Ino, st.Ctim.Nano()
	}
	return 0, 0
}
