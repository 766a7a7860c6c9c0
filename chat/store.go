package chat

import (
	"context"
	"time"

	"github.com/varvedb/varve/errs"
)

// A Store keeps the rows of conversations in one database. It is what a
// backend implements; callers use a [Service].
//
// What reaches a store is checked and normalised: ids are not empty, times are
// fixed-width UTC where they could be parsed. What it returns is raw: not
// redacted, URLs not signed. Every write is atomic, is durable when it
// returns, and can be repeated. A missing thing is errs.NotFound; an id that
// the columns cannot hold is errs.NotFound when read and errs.Invalid when
// written.
//
// Every write to a thread that was deleted less than [TombstoneAge] ago is
// errs.Gone. Every write checks [Allow] for the owner of the thread it
// touches, in the same transaction.
type Store interface {
	// Features says what this store can do; it never changes while it is open.
	Features() Features
	Users
	Threads
	Steps
	Elements
	Feedbacks
	Orphans
	Erasing
}

// TombstoneAge is how long a deleted thread cannot be written again, so that a
// late write does not resurrect it.
const TombstoneAge = 24 * time.Hour

// Features says what a store can do. Suites and callers ask it, never a
// backend's name.
type Features struct {
	AnyID        bool `json:"anyId"`        // ids of any text; else those that the columns hold, always UUIDs
	Tombstones   bool `json:"tombstones"`   // deleted threads are remembered, over a restart too
	Transactions bool `json:"transactions"` // Update joins several writes into one
	ChangeLog    bool `json:"changeLog"`    // every write is noted in the change log
	FastList     bool `json:"fastList"`     // a page of threads costs what a page costs
	FastSearch   bool `json:"fastSearch"`   // search uses an index
	UnknownKeys  bool `json:"unknownKeys"`  // unknown keys are kept on elements too
	NeedsThread  bool `json:"needsThread"`  // Ref.ThreadID must be given for steps and feedback
	Orphans      bool `json:"orphans"`      // keys of bytes to delete survive a restart
	ThreadFiles  bool `json:"threadFiles"`  // keys of bytes are threads/THREAD/files/ELEMENT, as the official layer's; else they begin with the owner
}

// Write is what every write carries: who writes ("" is the application
// itself), and when.
type Write struct {
	Actor string // a user's identifier
	Now   time.Time
}

// Users keeps users.
type Users interface {
	// User returns the user with an identifier.
	User(ctx context.Context, identifier string) (User, error)
	// Users returns at most limit users with an identifier after the given one,
	// by identifier in the order of bytes.
	Users(ctx context.Context, after string, limit int) ([]User, error)
	// PutUser inserts a user, or replaces the metadata of the one with the
	// same identifier, whose ID and CreatedAt stay. It returns what is stored.
	PutUser(ctx context.Context, u User, w Write) (User, error)
}

// Threads keeps threads.
type Threads interface {
	// ApplyThread lays a patch over a thread, as [MergeThread] does, and
	// creates it when missing. UserIdentifier follows UserID; a UserID that no
	// user has is errs.Invalid with field "userId".
	ApplyThread(ctx context.Context, p ThreadPatch, w Write) error
	// Thread returns a thread with all its steps (by creation) and elements.
	Thread(ctx context.Context, id string) (Thread, error)
	// Head returns what is known of a thread without reading steps. It also
	// finds a deleted thread whose tombstone is still there.
	Head(ctx context.Context, id string) (Head, error)
	// Threads returns at most q.Limit threads, by LastActivity descending and
	// then ID descending, without steps and elements.
	Threads(ctx context.Context, q ThreadQuery) ([]Thread, error)
	// DeleteThread removes a thread and all that belongs to it, leaves a
	// tombstone, and remembers the keys of stored bytes as orphans.
	DeleteThread(ctx context.Context, id string, w Write) error
}

// Head is the outline of a thread.
type Head struct {
	ID             string
	UserID         string
	UserIdentifier string
	LastActivity   string
	Deleted        bool
}

// ThreadQuery asks a store for a page of threads.
type ThreadQuery struct {
	ThreadFilter        // Search is as the caller wrote it; match with Fold
	After        *Place // only what comes after it
	Limit        int
}

// Place is a place in a listing.
type Place struct {
	LastActivity string
	ID           string
}

// Steps keeps steps.
type Steps interface {
	// ApplyStep lays a patch over a step, as [MergeStep] does; a missing step
	// starts as [NewStep] and a missing thread is created. The thread's LastActivity never falls by it.
	ApplyStep(ctx context.Context, s Step, w Write) error
	// Step returns a step with its feedback.
	Step(ctx context.Context, r Ref) (Step, error)
	// DeleteStep removes a step, the steps under it, and their elements and
	// feedback; keys of stored bytes become orphans. To an actor a step of
	// another's thread is errs.NotFound.
	DeleteStep(ctx context.Context, r Ref, w Write) error
	// Favorites returns the starred steps in a user's threads, newest first.
	Favorites(ctx context.Context, userID string) ([]Step, error)
}

// Elements keeps what is attached to steps.
type Elements interface {
	// ApplyElement lays a patch over an element, as [MergeElement] does;
	// element and thread are created when missing. An element of another
	// thread is errs.Conflict. A key of stored bytes that the patch replaces
	// becomes an orphan; the key it brings stops being one.
	ApplyElement(ctx context.Context, e Element, w Write) error
	// Element returns an element. With a ThreadID it must be of that thread.
	Element(ctx context.Context, r Ref) (Element, error)
	// DeleteElement removes an element; its key becomes an orphan.
	DeleteElement(ctx context.Context, r Ref, w Write) error
}

// Feedbacks keeps verdicts.
type Feedbacks interface {
	// ApplyFeedback sets the feedback of a step and returns its id: that of
	// the step's earlier feedback, else f.ID. The thread is the step's; when
	// the step is not stored yet it is f.ThreadID, and errs.NotFound with
	// field "forId" when that is empty too. An id that another step's feedback
	// has is errs.Conflict.
	ApplyFeedback(ctx context.Context, f Feedback, w Write) (string, error)
	// DeleteFeedback removes a feedback.
	DeleteFeedback(ctx context.Context, r Ref, w Write) error
}

// Orphans remembers stored bytes that no element names any more, from the
// transaction that orphaned them until they are deleted, and bytes that are
// about to be stored, until an element names them.
type Orphans interface {
	// Expect notes a key under which bytes are about to be written, before they
	// are. As long as nothing names it, it is an orphan from [UploadGrace] after
	// w.Now on: what wrote it is not there any more. ApplyElement and Load drop
	// the note in the transaction that names the key.
	Expect(ctx context.Context, key string, w Write) error
	// Orphans returns at most limit keys that are orphans at a time, oldest
	// first; those that were only expected come last.
	Orphans(ctx context.Context, now time.Time, limit int) ([]string, error)
	// Forget drops keys whose bytes are deleted, or were not written after all.
	Forget(ctx context.Context, keys []string) error
}

// UploadGrace is how long an upload may take, from its first byte to the row
// that names it.
const UploadGrace = 24 * time.Hour

// Erasing takes a person out of a database.
type Erasing interface {
	// Owned returns the ids of all threads that carry a person's identifier or
	// the id of the user who has it. None is no error.
	Owned(ctx context.Context, identifier string) ([]string, error)
	// EraseUser removes the user with an identifier, takes identifier and id out
	// of the tombstones of their threads, and removes what other layers only
	// marked as deleted of theirs. It is atomic where there are transactions; a
	// user that is missing is no error, so that it can be repeated.
	// errs.Conflict while threads are theirs.
	EraseUser(ctx context.Context, identifier string, w Write) (Traces, error)
}

// Traces is what EraseUser removed.
type Traces struct {
	Users      int // rows of users, 0 or 1
	Tombstones int // that named the person
	Threads    int // that another layer had marked as deleted
}

// StillOwns is the error of a store that is to erase a user with threads.
func StillOwns() error {
	return errs.New(errs.Conflict, "the user has threads; delete them first")
}

// Allow is the one rule of ownership for writes: an actor may write to a
// thread that is theirs or nobody's, and may not give it to another. owner and
// newOwner are identifiers, "" for none. The application itself (actor "") may
// do all. Anything else is errs.Forbidden.
func Allow(actor, owner, newOwner string) error {
	if actor == "" {
		return nil
	}
	if (owner != "" && owner != actor) || (newOwner != "" && newOwner != actor) {
		return errs.Field(errs.Forbidden, "threadId", "the thread belongs to another user")
	}
	return nil
}

// A Placer reads the cursors that another layer on the same database hands
// out. Stores of such databases may be one.
type Placer interface {
	// Place is the place that a foreign cursor names, and the user whose
	// listing it is of.
	Place(cursor string) (p Place, userID string, ok bool)
}
