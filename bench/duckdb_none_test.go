//go:build !cgo || no_duckdb

package bench

var linkedSubjects []bulkSubject
