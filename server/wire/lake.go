package wire

import (
	"time"

	"github.com/varvedb/varve/lake"
	"github.com/varvedb/varve/state"
)

// File is a version of a file: what is known about it, and what Varve keeps.
type File struct {
	ID          string   `json:"id"`
	UserID      *string  `json:"user_id" doc:"whose it is; null: nobody's"`
	Path        *string  `json:"path"`
	Filename    string   `json:"filename"`
	Filetype    *string  `json:"filetype"`
	Size        int64    `json:"size" doc:"bytes"`
	Hash        string   `json:"hash" doc:"SHA-256 of the bytes, in hexadecimal"`
	Version     *int64   `json:"version" doc:"the caller's"`
	Status      *string  `json:"status"`
	Description *string  `json:"description"`
	Labels      []string `json:"labels" nullable:"true"`

	Seq    int64     `json:"_seq" doc:"its position among all versions"`
	Number int64     `json:"_version" doc:"its number among the file's, from 1"`
	At     time.Time `json:"_at"`
	Op     state.Op  `json:"_op"`
	Actor  string    `json:"_actor"`
}

// FileOf is a record of the lake on the wire.
func FileOf(r lake.Record) File {
	f := r.Value
	return File{f.ID, f.UserID, f.Path, f.Filename, f.Filetype, f.Size, f.Hash, f.Version, f.Status, f.Description, f.Labels,
		r.Seq, r.Version, r.At, r.Op, r.Actor}
}
