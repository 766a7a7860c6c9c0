// Package duck is the one package that links DuckDB. It is a thin layer over
// the engine's native interface: a database, its connections, a statement that
// can be given up, values out and rows in. Where there is no cgo, or the tag
// no_duckdb is set, it is empty but for [Linked].
//
//	db, err := duck.Open("", 1<<30, duck.Settings{"threads": "2"})
//	conn, err := db.Connect()
//	rows, err := conn.Query(ctx, "SELECT count(*) FROM range(?)", 1000)
package duck
