// Package state is the room of versioned tables: small state that keeps every
// version it ever had. A table is declared, rows are appended to it and
// updated, and nothing that was written is overwritten: an update and a
// deletion are further versions.
//
//	todos, err := state.TableOf[Todo](db, "todos")
//	_, err = todos.Append(ctx, Todo{ID: "test", Body: "do your homework"})
//	_, err = todos.Update(ctx, state.Row{"id": "test", "status": "done"})
//	was, err := todos.AsOf(state.AtVersion(1)).Latest(ctx, "test")
//
// The order of versions is a position, a number that only grows within a
// table; no two versions share one, and what a clock says decides nothing. The
// service checks, merges, pages and compares, once for all databases; a
// database implements [Store].
package state
