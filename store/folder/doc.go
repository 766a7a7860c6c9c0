// Package folder is the databackend on a folder of files: each CSV file is a
// table that is read and written, each Parquet file one that is read. All else
// that a database serves — conversations, versioned tables, components, the
// index of artifacts — is a store in the folder .varve in it, which whoever opens
// this one opens too:
//
//	db, err := folder.Open(ctx, "data", openSQLite, folder.Options{})
//	// data/docs.csv is the table docs; data/.varve/varve.db is the store beside
//
// A file is read whole when it is first asked for, and again when it is another.
// A write replaces it: at any moment there is the old file or the new one. Writers
// of several processes take turns; a file that a program which does not know of
// that changed meanwhile is not overwritten.
//
// What columns hold is found out from the values, unless Varve made or changed
// the file: then the store beside knows. It also has the notes of changes, which
// are made known when the file is in its place; a crash in between is settled by
// whoever writes next.
package folder
