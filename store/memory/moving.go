package memory

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/varvedb/varve/change"
	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
)

var (
	_ chat.Mover  = rooms{}
	_ chat.Finder = rooms{}
)

// FeedbackThread implements chat.Finder.
func (r rooms) FeedbackThread(ctx context.Context, id string) (thread string, err error) {
	err = r.at.read(ctx, func(d *data) error {
		for _, f := range d.feedbacks {
			if f.ID == id {
				thread = f.ThreadID
				return nil
			}
		}
		return chat.Missing("id", id)
	})
	return thread, err
}

// ThreadIDs implements chat.Mover, in the order of bytes.
func (r rooms) ThreadIDs(ctx context.Context, after string, limit int) (ids []string, next string, err error) {
	err = r.at.read(ctx, func(d *data) error {
		all := map[string]bool{}
		for id := range d.threads {
			all[id] = true
		}
		for _, s := range d.steps {
			all[s.value.ThreadID] = true
		}
		for _, e := range d.elements {
			all[e.value.ThreadID] = true
		}
		for _, f := range d.feedbacks {
			all[f.ThreadID] = true
		}
		ids = slices.DeleteFunc(slices.Sorted(maps.Keys(all)), func(id string) bool { return id <= after })
		if len(ids) > limit {
			ids = ids[:limit]
			next = ids[limit-1]
		}
		return nil
	})
	return ids, next, err
}

// Whole implements chat.Mover.
func (r rooms) Whole(ctx context.Context, ids []string) (found []chat.Thread, err error) {
	err = r.at.read(ctx, func(d *data) error {
		for _, id := range ids {
			if t, ok := d.whole(id); ok {
				found = append(found, t)
			}
		}
		return nil
	})
	return found, err
}

func (d *data) whole(id string) (t chat.Thread, ok bool) {
	if t, ok = d.threads[id]; ok {
		t = cloneThread(t)
	}
	t.ID = id
	for _, s := range inOrder(d.steps, func(s chat.Step) bool { return s.ThreadID == id }) {
		t.Steps = append(t.Steps, d.withFeedback(s))
	}
	slices.SortStableFunc(t.Steps, func(a, b chat.Step) int { return cmp.Compare(a.CreatedAt, b.CreatedAt) })
	for _, e := range inOrder(d.elements, func(e chat.Element) bool { return e.ThreadID == id }) {
		t.Elements = append(t.Elements, cloneElement(e))
	}
	for forID, f := range d.feedbacks {
		if _, has := d.steps[forID]; !has && f.ThreadID == id {
			t.Loose = append(t.Loose, f)
		}
	}
	return t, ok || len(t.Steps)+len(t.Elements)+len(t.Loose) > 0
}

// Load implements chat.Mover.
func (r rooms) Load(ctx context.Context, threads []chat.Thread, w chat.Write) error {
	return r.at.write(ctx, func(d *data) error {
		for _, t := range threads {
			if err := d.load(t, w); err != nil {
				return err
			}
		}
		return nil
	})
}

func (d *data) load(t chat.Thread, w chat.Write) error {
	if t.UserID != "" {
		u, ok := d.userByID(t.UserID)
		if !ok {
			return errs.Field(errs.Invalid, "userId", "there is no user with id %q; put the user first", t.UserID)
		}
		t.UserIdentifier = u.Identifier
	}
	keys := d.clear(t.ID, w)
	remove(d, d.tombstones, t.ID)
	steps, elements, loose := t.Steps, t.Elements, t.Loose
	t.Steps, t.Elements, t.Loose = nil, nil, nil
	t = cloneThread(t)
	t.LastActivity, _ = chat.NormalTime(t.CreatedAt)
	t.ThreadCreatedAt = ""
	d.save(t, true, w)
	for _, s := range steps {
		if err := d.loadStep(s, t.ID, w); err != nil {
			return err
		}
	}
	for _, e := range elements {
		if _, taken := d.elements[e.ID]; taken {
			return chat.ForeignElement(e.ID)
		}
		d.births++
		e.ThreadID = t.ID
		put(d, d.elements, e.ID, row[chat.Element]{d.births, cloneElement(e)})
		d.adopt(e.ObjectKey)
		d.note("elements", e.ID, change.Insert, w.Now)
	}
	for _, f := range loose {
		if err := d.loadFeedback(f, w); err != nil {
			return err
		}
	}
	for _, key := range keys {
		d.orphan(key)
	}
	return nil
}

// clear takes away what is stored under a thread's id, and returns the keys of
// its bytes.
func (d *data) clear(id string, w chat.Write) (keys []string) {
	old, ok := d.whole(id)
	if !ok {
		return nil
	}
	for _, s := range old.Steps {
		d.dropFeedback(s.ID, w)
		d.dropStep(s.ID, w)
	}
	for _, f := range old.Loose {
		d.dropFeedback(f.ForID, w)
	}
	for _, e := range old.Elements {
		remove(d, d.elements, e.ID)
		d.note("elements", e.ID, change.Delete, w.Now)
		keys = append(keys, e.ObjectKey)
	}
	return keys
}

func (d *data) loadStep(s chat.Step, threadID string, w chat.Write) error {
	if _, taken := d.steps[s.ID]; taken {
		return chat.ForeignStep(s.ID)
	}
	f := s.Feedback
	s.ThreadID, s.Feedback = threadID, nil
	s.Tags, s.Metadata = slices.Clone(s.Tags), cloneObject(s.Metadata)
	d.births++
	put(d, d.steps, s.ID, row[chat.Step]{d.births, s})
	d.note("steps", s.ID, change.Insert, w.Now)
	d.raise(threadID, s.CreatedAt)
	if f == nil {
		return nil
	}
	return d.loadFeedback(*f, w)
}

func (d *data) loadFeedback(f chat.Feedback, w chat.Write) error {
	if _, taken := d.feedbackStep(f.ID); taken {
		return errs.Field(errs.Conflict, "id", "feedback %q belongs to another step", f.ID)
	}
	put(d, d.feedbacks, f.ForID, f)
	d.note("feedbacks", f.ID, change.Insert, w.Now)
	return nil
}
