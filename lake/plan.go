package lake

import "github.com/varvedb/varve/errs"

// Action is what a [Step] does, or why it does nothing.
type Action string

// The actions.
const (
	Push     Action = "push"     // from the folder into the lake
	Pull     Action = "pull"     // from the lake into the folder
	Remove   Action = "remove"   // from the lake: it was removed from the folder
	Discard  Action = "discard"  // from the folder: it was removed from the lake
	Keep     Action = "keep"     // removed on one side, and nobody asked to delete
	Conflict Action = "conflict" // changed on both sides, and nobody said which one to prefer
	Refuse   Action = "refuse"   // the lake does not take such a name or kind of file
)

// Step is what became of one file in a [Service.Sync], or would become.
type Step struct {
	Name   string `json:"name"` // below the folder
	Action Action `json:"action"`
	Why    string `json:"why,omitempty"` // of a refusal
}

// Side is one of the two that are brought together.
type Side string

// The sides.
const (
	FolderSide Side = "folder"
	LakeSide   Side = "lake"
)

func (s Side) check() error {
	if s != "" && s != FolderSide && s != LakeSide {
		return errs.Field(errs.Invalid, "prefer", "%q is no side: say folder or lake", s)
	}
	return nil
}

// seen is the hash of one file in three places, "" where there is none.
type seen struct {
	base   string // when both sides were last alike
	folder string
	lake   string
	// buried tells that the lake had it once: that it is not there means that
	// somebody removed it.
	buried bool
}

// decide says what to do about one file; "" is nothing. Only the side that
// changed since both were alike is taken over, so that neither a stale copy nor
// a removal wins over work.
func (s seen) decide(o SyncOptions) Action {
	switch {
	case s.folder == s.lake:
		return ""
	case s.folder == s.base && (s.lake != "" || s.buried): // the lake changed
		return s.lakeChanged(o)
	case s.lake == s.base, s.lake == "" && !s.buried: // the folder changed
		return s.folderChanged(o)
	case o.Prefer == FolderSide:
		return s.folderChanged(o)
	case o.Prefer == LakeSide:
		return s.lakeChanged(o)
	}
	return Conflict
}

func (s seen) lakeChanged(o SyncOptions) Action {
	switch {
	case s.lake != "":
		return Pull
	case o.Delete:
		return Discard
	}
	return Keep
}

func (s seen) folderChanged(o SyncOptions) Action {
	switch {
	case s.folder != "":
		return Push
	case o.Delete:
		return Remove
	}
	return Keep
}
