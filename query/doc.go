// Package query is questions as data: what is asked of the tables of a
// database is a value that can be built in Go, written as JSON, checked, and
// answered by every database alike. Nothing in it is ever evaluated as code.
//
//	q := query.From("docs").Where(query.Eq("y", 1), query.Gt("n", 5)).OrderBy("n")
//	answer, err := db.Execute(ctx, q)
//
// A [Query] is what a user writes: tables and columns by their names, values
// as JSON or Go has them. The [Service] resolves it against the tables as they
// are and hands a [Store] a plan in which every column is known and every
// value has its column's type, so that the databases only translate.
package query
