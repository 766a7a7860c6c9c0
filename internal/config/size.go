package config

import (
	"math"
	"strconv"
	"strings"

	"github.com/varvedb/varve/errs"
)

var units = []struct {
	name  string
	bytes int64
}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40},
	{"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12},
	{"K", 1 << 10}, {"M", 1 << 20}, {"G", 1 << 30}, {"T", 1 << 40}, {"B", 1}}

// parseSize reads a number of bytes: 1000, 32MiB, 10GB; a bare K, M, G is
// binary.
func parseSize(s string) (int64, error) {
	number, unit := strings.TrimSpace(s), int64(1)
	for _, u := range units {
		n := len(number) - len(u.name)
		if n > 0 && strings.EqualFold(number[n:], u.name) {
			number, unit = strings.TrimSpace(number[:n]), u.bytes
			break
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n <= 0 || n > math.MaxInt64/unit {
		return 0, errs.New(errs.Invalid, "is a number of bytes such as 1000000, 32MiB or 10GB")
	}
	return n * unit, nil
}

// formatSize is what parseSize reads.
func formatSize(n int64) string {
	for _, u := range []int{3, 2, 1, 0} {
		if b := units[u].bytes; n >= b && n%b == 0 {
			return strconv.FormatInt(n/b, 10) + units[u].name
		}
	}
	return strconv.FormatInt(n, 10)
}
