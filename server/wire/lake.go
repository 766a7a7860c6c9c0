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

// Entry is a file that is to be new, of bytes that are kept already.
type Entry struct {
	File  File   `json:"file" doc:"what begins with an underscore is not looked at"`
	Undo  bool   `json:"undo,omitempty" doc:"take back the newest change of the file in place of appending it"`
	If    int64  `json:"if,omitempty" doc:"the version that the file must be at; any when absent"`
	Actor string `json:"actor,omitempty" doc:"whom the version names as its author"`
}

// EntryOf is an entry of the lake on the wire.
func EntryOf(e lake.Entry) Entry {
	return Entry{FileOf(lake.Record{Value: e.File}), e.Undo, e.If, e.Actor}
}

// Entry is the entry in the lake.
func (e Entry) Entry() lake.Entry {
	return lake.Entry{File: e.File.Record().Value, Undo: e.Undo, If: e.If, Actor: e.Actor}
}

// Record is the file in the lake.
func (f File) Record() lake.Record {
	return lake.Record{Meta: state.Meta{Seq: f.Seq, Version: f.Number, At: f.At, Op: f.Op, Actor: f.Actor},
		Value: lake.File{ID: f.ID, UserID: f.UserID, Path: f.Path, Filename: f.Filename, Filetype: f.Filetype, Size: f.Size,
			Hash: f.Hash, Version: f.Version, Status: f.Status, Description: f.Description, Labels: f.Labels}}
}

// FileOf is a record of the lake on the wire.
func FileOf(r lake.Record) File {
	f := r.Value
	return File{f.ID, f.UserID, f.Path, f.Filename, f.Filetype, f.Size, f.Hash, f.Version, f.Status, f.Description, f.Labels,
		r.Seq, r.Version, r.At, r.Op, r.Actor}
}
