// Package archive keeps conversations in files: users, whole threads, and the
// bytes of their elements. An archive is one side of a copy (package transfer),
// which walks, counts and verifies.
//
//	w, err := archive.Create("backup", source.Store, archive.Options{Bytes: true})
//	job := transfer.Copy{From: source, To: w.Side()}
//	err = w.Finish(job.Run(ctx))
//
// Its own form is JSON lines; packages parquet and literal bring others. What
// equal stores hold gives equal bytes: threads come in the order of their ids,
// and times, numbers and keys in one spelling.
package archive

import (
	"github.com/varvedb/varve/chat"
)

// Version is that of the form. What is read is of this version or an earlier
// one.
const Version = 1

// The names in an archive that is a folder.
const (
	LinesName = "conversations.jsonl"
	bytesName = "bytes"
)

// File is stored bytes: their SHA-256 in hexadecimal, under which they lie, and
// how many they are.
type File struct {
	SHA256 string `json:"sha256"`
	Size   int64  `json:"size"`
}

// Sink takes what an archive holds.
type Sink interface {
	// User takes a user.
	User(u chat.User) error
	// Thread takes a whole thread, and the bytes of its elements by their ids.
	Thread(t *chat.Thread, files map[string]File) error
	// Close ends what was written; without it, it is cut off.
	Close() error
}
