// Package duckdb is the databackend on a DuckDB file: the tables of the user lie
// in its columns. All else that a database serves — conversations, versioned
// tables, components, the index of artifacts — is a store on the file beside it,
// which whoever opens this one opens too:
//
//	db, err := duckdb.Open(ctx, "docs.duckdb", openSQLite, duckdb.Options{})
//	// docs.duckdb, and docs.duckdb.varve.db
//
// One process has the file, since DuckDB lets in one only. Changes of rows and
// their notes commit together in it; notes of the store beside are taken over
// into the same log, so that there is one order of all. A transaction cannot
// span two files: inside an Update the tables of the user are not to be had.
//
// Without cgo, or with the tag no_duckdb, Open is errs.Unsupported.
package duckdb
