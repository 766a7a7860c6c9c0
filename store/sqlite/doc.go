// Package sqlite keeps everything in one SQLite file, through the native
// interface of a driver without cgo. It serves files that Varve makes and
// files that Chainlit's own layer made, both while Chainlit writes to them.
//
//	db, err := sqlite.Open(ctx, "varve-data/varve.db", sqlite.Options{})
//	defer db.Close()
//	svc := chat.NewService(db.Chat(), chat.Options{})
//
// One goroutine writes. It makes one transaction of all that queued while the
// one before became durable, and answers each write after that: see writer.
// Reads run beside it on connections of their own.
//
// A file that Varve did not make is not altered: no column, no index, no
// journal mode, until [Store.Mend] is called. Until then answers are the same
// and cost more, and Features says which.
package sqlite
