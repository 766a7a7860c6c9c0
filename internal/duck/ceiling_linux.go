//go:build cgo && !no_duckdb && linux && (amd64 || arm64) && !duckdb_use_lib && !duckdb_use_static_lib

package duck

/*
#cgo LDFLAGS: -Wl,--wrap=duckdb_je_malloc -Wl,--wrap=duckdb_je_realloc -Wl,--wrap=duckdb_je_free -Wl,--wrap=_Znwm
#include <stdint.h>
void varve_ceiling(int64_t bytes);
int64_t varve_taken(void);
*/
import "C"

import "math"

// setCeiling bounds what the engine's large allocations in this process may
// take together; 0: nothing bounds them.
func setCeiling(bytes int64) {
	if bytes == 0 {
		bytes = math.MaxInt64
	}
	C.varve_ceiling(C.int64_t(bytes))
}

// Taken is how much they take now, 0 where it is not counted.
func Taken() int64 { return int64(C.varve_taken()) }
