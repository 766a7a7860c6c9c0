// Package artifact keeps bytes under their own SHA-256: weights of models,
// snapshots of data sets, files of rows. What two owners have alike is kept
// once; what nobody names any more is swept away after a while.
//
//	info, err := db.Artifacts().Put(ctx, file, "application/octet-stream")
//	r, err := db.Artifacts().Open(ctx, info.Digest)
//
// The bytes lie in a [Bucket], the knowledge of them in an [Index] in the
// metadata store, in whose transactions owners come and go. Bytes are written
// in one pass, whatever their size, with a buffer's memory; they are verified
// as they are read.
package artifact
