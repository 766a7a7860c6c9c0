// Package varve is the front door of the data layer: one URL opens a database
// and all rooms on it.
//
//	db, err := all.Open(ctx, "sqlite:varve-data/varve.db", nil)
//	defer db.Close()
//	thread, err := db.Chat().Thread(ctx, id)
//
// The package knows ports only. The drivers it may use are given in
// [Options.Drivers]; package all lists every one.
package varve
