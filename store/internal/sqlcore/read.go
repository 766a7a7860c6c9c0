package sqlcore

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
)

// User returns the user with an identifier.
func (c *Core) User(ctx context.Context, q Querier, identifier string) (chat.User, error) {
	var u chat.User
	found, err := one(ctx, q, c.sql.user, func(r Row) error {
		u = scanUser(r)
		return nil
	}, identifier)
	if err == nil && !found {
		err = chat.Missing("identifier", identifier)
	}
	if u.Metadata == nil {
		u.Metadata = chat.Object{}
	}
	return u, err
}

// Users returns users by identifier, after one.
func (c *Core) Users(ctx context.Context, q Querier, after string, limit int) (users []chat.User, err error) {
	_, err = one(ctx, q, c.sql.users, func(r Row) error {
		users = append(users, scanUser(r))
		return nil
	}, after, int64(limit))
	return users, err
}

func scanUser(r Row) (u chat.User) {
	for i, p := range []any{&u.ID, &u.CreatedAt, &u.Metadata, &u.Identifier} {
		if text, ok := r.Text(i); ok {
			Decode(p, text)
		}
	}
	return u
}

// Head returns the outline of a thread that has a row.
func (c *Core) Head(ctx context.Context, q Querier, id string) (chat.Head, error) {
	if !c.Holds(c.Schema.Threads, "id", id) {
		return chat.Head{}, chat.Missing("threadId", id)
	}
	var h chat.Head
	found, err := one(ctx, q, c.sql.head, func(r Row) error {
		for i, p := range []any{&h.ID, &h.UserID, &h.UserIdentifier, &h.LastActivity} {
			if text, ok := r.Text(i); ok {
				Decode(p, text)
			}
		}
		return nil
	}, id)
	if err == nil && !found {
		err = chat.Missing("threadId", id)
	}
	return h, err
}

// Owned returns the ids of the threads that carry an identifier or the id of
// the user who has it, and that user; the zero one when there is none.
func (c *Core) Owned(ctx context.Context, q Querier, identifier string) (ids []string, u chat.User, err error) {
	u, err = c.User(ctx, q, identifier)
	if err != nil && errs.KindOf(err) != errs.NotFound {
		return nil, u, err
	}
	seen := map[string]bool{}
	note := func(r Row) error {
		id, _ := r.Text(0)
		if id = strings.Clone(id); !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
		return nil
	}
	ask := []Query{{SQL: c.sql.owned, Args: []any{identifier}, Each: note}}
	if u.ID != "" && c.Holds(c.Schema.Threads, "userId", u.ID) {
		ask = append(ask, Query{SQL: c.sql.owns, Args: []any{u.ID}, Each: note})
	}
	err = q.Run(ctx, ask...)
	return ids, u, err
}

// ThreadRow returns a thread without its steps and elements.
func (c *Core) ThreadRow(ctx context.Context, q Querier, id string) (t chat.Thread, err error) {
	found := false
	if c.Holds(c.Schema.Threads, "id", id) {
		found, err = one(ctx, q, c.sql.thread, func(r Row) error {
			t = c.scanThread(r)
			return nil
		}, id)
	}
	if err == nil && !found {
		err = chat.Missing("threadId", id)
	}
	return t, err
}

// LockThread is the question for a thread without its steps and elements that
// also keeps other writers from it until the transaction ends. each is called
// if the thread is there.
func (c *Core) LockThread(id string, each func(chat.Thread)) Query {
	return Query{SQL: c.sql.thread + " FOR UPDATE", Args: []any{id}, Each: func(r Row) error {
		each(c.scanThread(r))
		return nil
	}}
}

// Thread returns a thread with its steps and elements.
func (c *Core) Thread(ctx context.Context, q Querier, id string) (chat.Thread, error) {
	if !c.Holds(c.Schema.Threads, "id", id) {
		return chat.Thread{}, chat.Missing("threadId", id)
	}
	var t chat.Thread
	found := false
	votes := map[string]*chat.Feedback{}
	args := []any{id}
	err := q.Run(ctx,
		Query{SQL: c.sql.thread, Args: args, Each: func(r Row) error {
			found = true
			t = c.scanThread(r)
			return nil
		}},
		Query{SQL: c.sql.threadSteps, Args: args, Each: func(r Row) error {
			t.Steps = append(t.Steps, chat.Step{})
			c.scanStep(r, &t.Steps[len(t.Steps)-1])
			return nil
		}},
		Query{SQL: c.sql.threadVotes, Args: args, Each: func(r Row) error {
			f := scanVote(r)
			votes[f.ForID] = f // the newest row wins where a step has several
			return nil
		}},
		Query{SQL: c.sql.threadEls, Args: args, Each: func(r Row) error {
			t.Elements = append(t.Elements, chat.Element{})
			c.scanElement(r, &t.Elements[len(t.Elements)-1])
			return nil
		}},
	)
	if err == nil && !found {
		err = chat.Missing("threadId", id)
	}
	if err != nil {
		return chat.Thread{}, err
	}
	for i := range t.Steps {
		t.Steps[i].Feedback = votes[t.Steps[i].ID]
	}
	return t, nil
}

// Step returns a step with its feedback.
func (c *Core) Step(ctx context.Context, q Querier, r chat.Ref) (chat.Step, error) {
	missing := chat.Missing("id", r.ID)
	if !c.Holds(c.Schema.Steps, "id", r.ID) {
		return chat.Step{}, missing
	}
	var s chat.Step
	found := false
	err := q.Run(ctx,
		Query{SQL: c.sql.step, Args: []any{r.ID}, Each: func(row Row) error {
			found = true
			c.scanStep(row, &s)
			return nil
		}},
		Query{SQL: c.sql.stepVotes, Args: []any{r.ID}, Each: func(row Row) error {
			s.Feedback = scanVote(row)
			return nil
		}})
	if err == nil && (!found || r.ThreadID != "" && s.ThreadID != r.ThreadID) {
		err = missing
	}
	if err != nil {
		return chat.Step{}, err
	}
	return s, nil
}

// Favorites returns the starred steps in a user's threads, newest first, with
// their feedback.
func (c *Core) Favorites(ctx context.Context, q Querier, userID string) ([]chat.Step, error) {
	if !c.Holds(c.Schema.Threads, "userId", userID) {
		return nil, nil
	}
	var steps []chat.Step
	votes := map[string]*chat.Feedback{}
	args := []any{userID}
	err := q.Run(ctx,
		Query{SQL: c.sql.favorites, Args: args, Each: func(r Row) error {
			var s chat.Step
			if c.scanStep(r, &s); s.Favorite() {
				steps = append(steps, s)
			}
			return nil
		}},
		Query{SQL: c.sql.favoriteVotes, Args: args, Each: func(r Row) error {
			f := scanVote(r)
			votes[f.ForID] = f
			return nil
		}})
	if err != nil {
		return nil, err
	}
	for i := range steps {
		steps[i].Feedback = votes[steps[i].ID]
	}
	slices.SortStableFunc(steps, func(a, b chat.Step) int { return cmp.Compare(b.CreatedAt, a.CreatedAt) })
	return steps, nil
}

// Element returns an element; with a ThreadID it must be of that thread.
func (c *Core) Element(ctx context.Context, q Querier, r chat.Ref) (chat.Element, error) {
	missing := chat.Missing("id", r.ID)
	if !c.Holds(c.Schema.Elements, "id", r.ID) {
		return chat.Element{}, missing
	}
	var e chat.Element
	found, err := one(ctx, q, c.sql.element, func(row Row) error {
		c.scanElement(row, &e)
		return nil
	}, r.ID)
	if err == nil && (!found || r.ThreadID != "" && e.ThreadID != r.ThreadID) {
		err = missing
	}
	if err != nil {
		return chat.Element{}, err
	}
	return e, nil
}

// FeedbackThread asks for the thread of a feedback.
func (c *Core) FeedbackThread(ctx context.Context, q Querier, id string) (thread string, err error) {
	found := false
	if c.Holds(c.Schema.Feedbacks, "id", id) {
		found, err = one(ctx, q, c.sql.vote, func(row Row) error {
			thread = scanVote(row).ThreadID
			return nil
		}, id)
	}
	if err == nil && !found {
		err = chat.Missing("id", id)
	}
	return thread, err
}

func (c *Core) scanThread(r Row) chat.Thread {
	var t chat.Thread
	c.ThreadMap.Scan(r, 0, &t)
	t.LastActivity, _ = r.Text(c.ThreadMap.Width())
	t.CreatedAt = normal(t.CreatedAt)
	t.ThreadCreatedAt = t.CreatedAt
	if t.Metadata == nil {
		t.Metadata = chat.Object{}
	}
	return t
}

func (c *Core) scanStep(r Row, s *chat.Step) {
	s.Extra = c.StepMap.Scan(r, 0, s)
	Lift(s)
	if s.Metadata == nil {
		s.Metadata = chat.Object{}
	}
	if string(s.Generation) == "{}" {
		s.Generation = nil // what Generation made of none
	}
	s.CreatedAt, s.Start, s.End = normal(s.CreatedAt), normal(s.Start), normal(s.End)
}

func (c *Core) scanElement(r Row, e *chat.Element) {
	e.Extra = c.ElementMap.Scan(r, 0, e)
}

func scanVote(r Row) *chat.Feedback {
	f := &chat.Feedback{}
	for i, p := range []any{&f.ID, &f.ForID, &f.ThreadID} {
		if text, ok := r.Text(i); ok {
			Decode(p, text)
		}
	}
	if text, ok := r.Text(3); ok {
		n, _ := decodeInt(text)
		f.Value = int(n)
	}
	if text, ok := r.Text(4); ok {
		f.Comment = &text
	}
	return f
}

// normal is a stored time in the form every reader gets; other text stays.
func normal(s string) string {
	if t, ok := chat.NormalTime(s); ok {
		return t
	}
	return s
}

// Object reads a JSON object in any of the forms that Decode takes; never nil.
func Object(text string) chat.Object {
	if o, ok := decodeObject(text); ok {
		return o
	}
	return chat.Object{}
}

// Extra is the text for an ExtraColumn, "" for none.
func Extra(extra map[string]json.RawMessage) string {
	if len(extra) == 0 {
		return ""
	}
	return string(AppendJSON(nil, extra))
}
