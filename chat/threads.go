package chat

import (
	"cmp"
	"context"
	"slices"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/page"
)

// Threads implements [API].
func (s *Service) Threads(ctx context.Context, f ThreadFilter, p page.Request) (page.Page[Thread], error) {
	none := page.Page[Thread]{Data: []Thread{}}
	var c checker
	c.ref("userId", f.UserID)
	c.text("search", &f.Search)
	if f.Feedback != nil && *f.Feedback != 0 && *f.Feedback != 1 {
		c.fail(errs.Field(errs.Invalid, "feedback", "must be 0 or 1"))
	}
	if c.err != nil {
		return none, c.err
	}
	if actor := Actor(ctx); actor != "" {
		u, err := s.port().User(ctx, actor)
		if errs.KindOf(err) == errs.NotFound || (err == nil && f.UserID != "" && f.UserID != u.ID) {
			return none, nil // an unknown user has no threads, and another's do not show
		}
		if err != nil {
			return none, err
		}
		f.UserID = u.ID
	}
	q := ThreadQuery{ThreadFilter: f, Limit: p.Limit() + 1}
	if p.Cursor != "" {
		after, err := s.readCursor(ctx, f, p.Cursor)
		if err != nil {
			return none, err
		}
		q.After = &after
	}
	threads, err := s.port().Threads(ctx, q)
	if err != nil {
		return none, err
	}
	return s.cut(f, threads, p.Limit()), nil
}

// cut makes a page of at most limit threads out of one more.
func (s *Service) cut(f ThreadFilter, threads []Thread, limit int) page.Page[Thread] {
	out := page.Page[Thread]{Data: threads}
	if len(threads) > limit {
		out.Info.HasNextPage = true
		out.Data = threads[:limit]
	}
	if out.Data == nil {
		out.Data = []Thread{}
	}
	for i := range out.Data {
		t := &out.Data[i]
		tidyThread(t)
		if t.LastActivity != "" {
			t.CreatedAt = t.LastActivity
		}
	}
	if n := len(out.Data); n > 0 {
		first, last := out.Data[0], out.Data[n-1]
		out.Info.StartCursor = Ptr(s.cursor(f.question(), Place{first.LastActivity, first.ID}.String()))
		out.Info.EndCursor = Ptr(s.cursor(f.question(), Place{last.LastActivity, last.ID}.String()))
	}
	return out
}

// Thread implements [API].
func (s *Service) Thread(ctx context.Context, id string) (Thread, error) {
	if err := checkID("threadId", id); err != nil {
		return Thread{}, err
	}
	t, err := s.thread(ctx, id)
	if err != nil {
		return Thread{}, err
	}
	if err := visible(ctx, t.UserIdentifier, "threadId", id); err != nil {
		return Thread{}, err
	}
	tidyThread(&t)
	for i := range t.Steps {
		tidyStep(ctx, &t.Steps[i])
	}
	// Text order is not time order where forms are mixed, so the store's order
	// only breaks ties.
	slices.SortStableFunc(t.Steps, func(a, b Step) int { return cmp.Compare(a.CreatedAt, b.CreatedAt) })
	for i := range t.Elements {
		s.sign(ctx, &t.Elements[i])
	}
	return t, nil
}

// thread reads a thread; one that is read for a copy comes whole.
func (s *Service) thread(ctx context.Context, id string) (Thread, error) {
	m, ok := s.port().(Mover)
	if !ok || !IsRaw(ctx) || Actor(ctx) != "" {
		return s.port().Thread(ctx, id)
	}
	found, err := m.Whole(ctx, []string{id})
	if err == nil && len(found) == 0 {
		err = missing("threadId", id)
	}
	if err != nil {
		return Thread{}, err
	}
	return found[0], nil
}

// Author implements [API].
func (s *Service) Author(ctx context.Context, threadID string) (string, error) {
	if err := checkID("threadId", threadID); err != nil {
		return "", err
	}
	h, err := s.port().Head(ctx, threadID)
	if err != nil {
		return "", err
	}
	if h.Deleted || h.UserIdentifier == "" {
		return "", missing("threadId", threadID)
	}
	return h.UserIdentifier, visible(ctx, h.UserIdentifier, "threadId", threadID)
}

// UpdateThread implements [API].
func (s *Service) UpdateThread(ctx context.Context, p ThreadPatch) (Written, error) {
	var c checker
	c.id("threadId", p.ID)
	c.ref("userId", p.UserID)
	if p.Name != nil {
		name := *p.Name
		c.text("name", &name)
		p.Name = &name
	}
	c.tags("tags", &p.Tags)
	c.object("metadata", &p.Metadata)
	if c.err != nil {
		return Written{}, c.err
	}
	if err := s.port().ApplyThread(ctx, p, s.write(ctx)); err != nil {
		return Written{}, err
	}
	return Written{ID: p.ID, Warnings: c.warnings}, nil
}

// DeleteThread implements [API].
func (s *Service) DeleteThread(ctx context.Context, id string) error {
	if err := checkID("threadId", id); err != nil {
		return err
	}
	defer s.swept()
	return s.port().DeleteThread(ctx, id, s.write(ctx))
}

func tidyThread(t *Thread) {
	normalTime(&t.CreatedAt)
	t.ThreadCreatedAt = t.CreatedAt
	if t.Metadata == nil {
		t.Metadata = Object{}
	}
}

func checkID(field, id string) error {
	var c checker
	c.id(field, id)
	return c.err
}
