// Package sqlquery is what the SQL stores share as databackends: what a table
// of a database looks like after it was introspected, how a plan becomes a
// statement with bound parameters, and how values get in and out. It knows no
// driver: a store gives it a [Dialect], and runs what comes out.
//
//	asked, err := sqlquery.Select(plan, tables, &dialect)
//	// asked.SQL, asked.Args; asked.Columns say how to read a row
//
// No value of a user's ever becomes part of a statement's text.
package sqlquery
