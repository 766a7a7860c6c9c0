// Package sqlcore holds what the SQL stores share: what a database of Chainlit
// looks like after it was introspected, how a field of a noun becomes a column
// and back, and the queries that read. It knows no driver: a store gives it a
// [Querier] and a [Dialect], both thin.
//
//	core, err := sqlcore.New(schema, dialect)
//	thread, err := core.Thread(ctx, querier, "t1")
//
// Writing is left to the stores, since they differ most there: SQLite merges
// inside its one writer, PostgreSQL in one statement.
package sqlcore
