package component

import (
	"context"
	"encoding/json"
	"time"

	"github.com/varvedb/varve/errs"
)

// Status tells whether a component does what it is for.
type Status string

// The statuses.
const (
	Ready   Status = "ready"
	Waiting Status = "waiting" // the Reason says for what
)

// Record is one stored version of a component.
type Record struct {
	Ref
	Hash   string // of everything that was declared
	Break  string // of what breaks
	Hidden bool
	Status Status
	Reason string
	// Revision grows with every change of the record, from 1.
	Revision int64
	Created  time.Time // in UTC, whole microseconds
	Updated  time.Time
	// Body is the component as [Decode] reads it, with references for children
	// and for large bytes; nil where it was not asked for.
	Body json.RawMessage
}

// Edge says that a version of a component has another one as its child.
type Edge struct {
	Parent string `json:"parent"` // UUIDs
	Child  string `json:"child"`
	Role   string `json:"role"` // the field: "model", "components[2]"
}

// Head is where a component stands.
type Head struct {
	// Record is the newest visible version; its UUID is "" when there is none.
	Record
	// Next is the number of the next version. It only grows, whatever is
	// removed.
	Next int
}

// Filter chooses records. Empty fields choose all.
type Filter struct {
	Type       string
	Identifier string
	Version    *int
	UUIDs      []string
	Hidden     bool // hidden ones too
	// Newest: of each component only the newest version that the other fields
	// let through.
	Newest bool
	// After is the last record of the page before. Limit 0: all.
	After *Ref
	Limit int
	// Bare: without bodies.
	Bare bool
}

// Update replaces what a record holds; its identity, version and time of
// creation stay.
type Update struct {
	Record
	// Expect is the revision that the record must have.
	Expect int64
}

// Children replaces all edges from a parent.
type Children struct {
	Parent string
	Edges  []Edge
}

// Owner is what artifacts belong to: a component by its UUID, a row of a table,
// or what else another room says.
type Owner struct {
	Kind string `json:"kind"` // "component", "row"
	ID   string `json:"id"`
}

// ComponentOwner is the Kind of a component's artifacts.
const ComponentOwner = "component"

// Holding replaces all artifacts of an owner.
type Holding struct {
	Owner
	Digests []string
}

// Batch is one change of the metadata. What it does is done in the order of
// the fields.
type Batch struct {
	At time.Time
	// Settled are journal entries that this batch ends.
	Settled []string
	// Reset forgets every component with its edges and artifacts, and the
	// numbers of versions with them.
	Reset bool
	// Create adds versions. Each Version is its component's Next.
	Create []Record
	Update []Update
	// Hide, Unhide and Delete name records by UUID, with the Revision that they
	// must have. A record that is deleted takes its edges to its children and
	// its artifacts along.
	Hide, Unhide, Delete []Expected
	Children             []Children
	Holdings             []Holding
}

// Expected is a record as somebody saw it.
type Expected struct {
	UUID     string
	Revision int64
}

// Entry notes what is about to be done outside the metadata, so that what a
// crash leaves behind is found.
type Entry struct {
	ID   string
	At   time.Time
	Body json.RawMessage
}

// Store is what a database implements. Every method is atomic, and durable
// when it returns; in an Update of the database, with it. In a database that
// holds no components yet reads find nothing, and the first write makes what
// is needed.
type Store interface {
	// Heads returns where each of the named components stands, in the order of
	// the names. One that was never there has no record and 0 as its Next.
	Heads(ctx context.Context, names []Name) ([]Head, error)
	// Find returns records in the order of type, identifier and version, each
	// compared byte by byte.
	Find(ctx context.Context, f Filter) ([]Record, error)
	// Edges returns the edges from these parents and those to these children,
	// in the order of parent and role.
	Edges(ctx context.Context, parents, children []string) ([]Edge, error)
	// Commit does all of a batch or nothing. errs.Conflict, and nothing is
	// done, when what the batch rests on has changed: a version is not its
	// component's Next, a record has another revision or is gone, an edge would
	// lead to a record that is not there, a record that is deleted is
	// somebody's child still, an artifact is not known, or a journal entry is
	// gone.
	Commit(ctx context.Context, b Batch) error
	// Owners returns who has an artifact, in the order of kind and id. What
	// else is known of artifacts is package artifact's.
	Owners(ctx context.Context, digest string) ([]Owner, error)
	Journal
}

// Journal keeps what is begun outside the metadata until it is settled by a
// [Batch].
type Journal interface {
	// Begin notes an entry.
	Begin(ctx context.Context, e Entry) error
	// Begun returns entries from before a time, oldest first.
	Begun(ctx context.Context, before time.Time) ([]Entry, error)
}

// Taken is the error of a store for a version that is not the next one.
func Taken(r Ref, next int) error {
	return errs.New(errs.Conflict, "%s: the next version is %d", r, next)
}

// Changed is the error of a store for a record that is not as it was.
func Changed(uuid string) error {
	return errs.New(errs.Conflict, "the component %s was changed or removed meanwhile", uuid)
}

// Childless is the error of a store for an edge that would lead nowhere.
func Childless(e Edge) error {
	return errs.Field(errs.Conflict, e.Role, "the component %s is not there any more", e.Child)
}

// InUse is the error of a store for a record that is somebody's child.
func InUse(uuid, parent string) error {
	return errs.New(errs.Conflict, "the component %s is involved in other components: %s", uuid, parent)
}

// Unkept is the error of a store for an artifact that it does not know.
func Unkept(digest string) error {
	return errs.New(errs.Conflict, "the artifact %s is not kept any more", digest)
}

// Unsettled is the error of a store for a journal entry that is gone.
func Unsettled(id string) error {
	return errs.New(errs.Conflict, "the journal entry %s was swept meanwhile", id)
}
