// Package duckdb answers analytical questions from a mirror: columns in DuckDB
// that follow a database's versioned tables and conversations.
//
// Before each question the mirror asks every table how far it has come and
// takes over what is new, by position; nothing new costs microseconds. Of a
// table todos it publishes
//
//	todos                  the rows as they are
//	todos_history          every version
//	todos_as_of('2026-11-21 12:00')  the rows as they were, then or at a position
//
// and of conversations users, threads, steps, elements and feedbacks. Where two
// of these names meet, the table itself has it; all are also to be had as
// state.todos, history.todos and chat.threads.
//
// The mirror is a file beside the database, or in memory, and disposable: it
// is made anew when it is deleted, damaged, of another program's making or of
// another database. It never opens the database's own files.
package duckdb
