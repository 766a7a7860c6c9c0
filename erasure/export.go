package erasure

import (
	"context"
	"time"
)

// Export is a note of an export that was made of a database, so that an erasure
// finds it.
type Export struct {
	ID     string    `json:"id"`
	Path   string    `json:"path" doc:"of the file or folder, absolute; empty: it went to standard output"`
	Host   string    `json:"host" doc:"the machine that it was written on"`
	Made   time.Time `json:"made"`
	Digest string    `json:"digest,omitempty" doc:"of what was written; absent as long as that is not done"`
	// Distant is what somebody noted over a network: a server goes to no path
	// that others name.
	Distant bool `json:"distant,omitempty"`
	// Void says that somebody was erased while it was being written: it is not to
	// be finished.
	Void bool `json:"void,omitempty"`
	// Next is the digest of what is being put in its place.
	Next string `json:"next,omitempty"`
}

// What became of the person's rows in an export.
const (
	Rewritten = "rewritten"              // it is there without them
	Emptied   = "removed"                // nothing else was in it
	WouldBe   = "to be rewritten"        // by an erasure that is no dry run
	Moved     = "not where it was"       // moved, renamed or deleted
	Changed   = "changed since"          // somebody else wrote it; it is not touched
	Elsewhere = "elsewhere"              // on another machine, or sent through a pipe
	Unsure    = "not finished when made" // what is there may be it
	Failed    = "failed"                 // the report tells why
)

// Reached is an export of which an erasure has something to say. Exports that
// nothing of the person is in are left out.
type Reached struct {
	Path    string    `json:"path" doc:"empty: standard output"`
	Host    string    `json:"host"`
	Made    time.Time `json:"made"`
	Outcome string    `json:"outcome"`
	Threads int64     `json:"threads" doc:"how many of the person's were in it"`
}

// Exports keeps notes of exports, and takes people out of them.
type Exports interface {
	// Note keeps a note, in the place of the one with its id. With the digest of
	// what was written it is errs.Conflict where somebody was erased meanwhile, who
	// may be in it.
	Note(ctx context.Context, e Export) error
	// Forget drops a note; one that is not there is no error.
	Forget(ctx context.Context, id string) error
	// Without takes a person out of the exports that are where they were written
	// and as they were, and tells of those and of the others that may hold them.
	// It may be repeated, and must be when it fails. With dry nothing changes.
	Without(ctx context.Context, identifier string, dry bool) ([]Reached, error)
}
