//go:build !linux

package folder

import "io/fs"

// identity is not known here: size and time alone tell a file from another.
func identity(fs.FileInfo) (number uint64, changed int64) { return 0, 0 }
