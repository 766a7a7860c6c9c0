package chat

import (
	"context"

	"github.com/varvedb/varve/errs"
)

// A Mover hands out and takes threads whole, with all that is stored under
// their ids. Copies, imports and exports work on it; stores that can be copied
// are one.
type Mover interface {
	// ThreadIDs returns about limit ids of threads after a position ("" is the
	// start), and the position to go on from, "" at the end. A thread that is
	// there all along comes once, in an order of the store's own that writes do
	// not change; so does an id without a thread that steps, elements or
	// feedback still name.
	ThreadIDs(ctx context.Context, after string, limit int) (ids []string, next string, err error)
	// Whole returns threads in any order, with their steps (by creation, each
	// with its feedback), elements and Loose; ids that nothing is stored under
	// are left out. A thread that has no row of its own comes with its ID and
	// what names it.
	Whole(ctx context.Context, ids []string) ([]Thread, error)
	// Load puts threads in the place of those with the same ids, as they are
	// given: nothing is merged, no time is made, a tombstone does not stop it.
	// UserID must be a user's, or errs.Invalid with field "userId"; an id of a
	// step, element or feedback that another thread has is errs.Conflict. Keys
	// of bytes that are no longer named become orphans. All happens or nothing;
	// where Features.Transactions is missing, each thread is written so that a
	// repetition completes it.
	Load(ctx context.Context, threads []Thread, w Write) error
}

// A Finder finds the thread of what its id alone names. Who follows the change
// log asks it; steps and elements tell by themselves. Stores may be one.
type Finder interface {
	// FeedbackThread returns the id of the thread that a feedback belongs to.
	FeedbackThread(ctx context.Context, id string) (string, error)
}

// A Preparer takes many loads faster when it is told of them. Movers may be one.
type Preparer interface {
	// Prepare is called before many calls of Load. Where there are no steps yet,
	// it may take away what is made faster at once than step by step.
	Prepare(ctx context.Context) error
	// Settle is called after them, and makes that again. Where a copy was broken
	// off before, the next one calls it.
	Settle(ctx context.Context) error
}

// A Peeker tells whether there is anything to read. Stores are one whose tables
// are made by the first use of conversations: who only asks must not be that.
type Peeker interface {
	// Peek is nil where conversations are kept, [ErrUnmade] where nobody has made
	// tables for them, and errs.Invalid where the names of those are taken by
	// tables that are not theirs. It makes none.
	Peek(ctx context.Context) error
}

// ErrUnmade is what a [Peeker] says of a database without conversations.
var ErrUnmade = errs.New(errs.NotFound, "nobody keeps conversations in this database")

// Peek asks a store that is a [Peeker]; any other has conversations.
func Peek(ctx context.Context, s Store) error {
	if p, ok := s.(Peeker); ok {
		return p.Peek(ctx)
	}
	return nil
}

// errUnmovable refuses what needs a [Mover] of a store that is none.
var errUnmovable = errs.New(errs.Unsupported, "this database cannot hand out and take whole threads")

// MoverOf is a store's [Mover], errs.Unsupported when it has none.
func MoverOf(s Store) (Mover, error) {
	if m, ok := s.(Mover); ok {
		return m, nil
	}
	return nil, errUnmovable
}

// Check holds a whole thread to the rules of all input: ids, JSON and depth
// are refused where the calls for single things would refuse them, and texts
// mended where they would. It returns what was mended. Steps, elements and
// feedback come to name the thread.
func (t *Thread) Check() (warnings []string, err error) {
	var c checker
	c.id("id", t.ID)
	c.text("name", &t.Name)
	c.text("createdAt", &t.CreatedAt)
	c.tags("tags", &t.Tags)
	c.object("metadata", &t.Metadata)
	normalTime(&t.CreatedAt)
	for i := range t.Steps {
		c.step(&t.Steps[i], t.ID)
	}
	for i := range t.Elements {
		c.element(&t.Elements[i], t.ID)
	}
	for i := range t.Loose {
		c.feedback(&t.Loose[i], t.ID)
	}
	return c.warnings, c.err
}

func (c *checker) step(s *Step, threadID string) {
	s.ThreadID = threadID
	c.id("steps.id", s.ID)
	fields(c, stepFields, s, stepIDs)
	c.extra(&s.Extra)
	normalTime(&s.CreatedAt)
	normalTime(&s.Start)
	normalTime(&s.End)
	if s.Feedback != nil {
		f := *s.Feedback
		f.ForID = s.ID
		c.feedback(&f, threadID)
		s.Feedback = &f
	}
}

func (c *checker) element(e *Element, threadID string) {
	e.ThreadID = threadID
	c.id("elements.id", e.ID)
	fields(c, elementFields, e, elementIDs)
	c.extra(&e.Extra)
}

func (c *checker) feedback(f *Feedback, threadID string) {
	f.ThreadID = threadID
	c.id("feedback.id", f.ID)
	c.id("feedback.forId", f.ForID)
	if f.Value != 0 && f.Value != 1 {
		c.fail(errs.Field(errs.Invalid, "feedback.value", "must be 0 (down) or 1 (up)"))
	}
	if f.Comment != nil {
		comment := *f.Comment
		c.text("feedback.comment", &comment)
		f.Comment = &comment
	}
}

// Activity is the last activity of a whole thread: the latest of its own time
// and those of its steps that can be read, "" when none can.
func (t *Thread) Activity() string {
	last, _ := NormalTime(t.CreatedAt)
	for i := range t.Steps {
		if at, ok := NormalTime(t.Steps[i].CreatedAt); ok && at > last {
			last = at
		}
	}
	return last
}

// own is a copy whose lists are its own, so that a check does not reach the
// caller's.
func (t Thread) own() Thread {
	t.Steps = append([]Step(nil), t.Steps...)
	t.Elements = append([]Element(nil), t.Elements...)
	t.Loose = append([]Feedback(nil), t.Loose...)
	return t
}

// ForeignStep is the error of a store for a step to be loaded whose id another
// thread's step has.
func ForeignStep(id string) error {
	return errs.Field(errs.Conflict, "id", "step %q belongs to another thread", id)
}
