package memory

import (
	"context"
	"slices"

	"github.com/varvedb/varve/change"
	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
)

// ApplyStep implements chat.Steps.
func (r rooms) ApplyStep(ctx context.Context, s chat.Step, w chat.Write) error {
	return r.at.write(ctx, func(d *data) error {
		old, ok := d.steps[s.ID]
		op := change.Update
		if !ok {
			d.births++
			old = row[chat.Step]{birth: d.births, value: chat.NewStep(w.Now)}
			old.value.ThreadID = s.ThreadID
			op = change.Insert
		}
		// Its own thread counts, not the one the patch names.
		if err := d.touch(old.value.ThreadID, w); err != nil {
			return err
		}
		old.value = chat.MergeStep(old.value, s)
		put(d, d.steps, s.ID, old)
		d.note("steps", s.ID, op, w.Now)
		d.raise(old.value.ThreadID, old.value.CreatedAt)
		return nil
	})
}

// raise lifts a thread's last activity; it never falls.
func (d *data) raise(threadID, created string) {
	at, ok := chat.NormalTime(created)
	if t := d.threads[threadID]; ok && at > t.LastActivity {
		t.LastActivity = at
		put(d, d.threads, threadID, t)
	}
}

// Step implements chat.Steps.
func (r rooms) Step(ctx context.Context, ref chat.Ref) (s chat.Step, err error) {
	err = r.at.read(ctx, func(d *data) error {
		found, ok := d.steps[ref.ID]
		if !ok || (ref.ThreadID != "" && ref.ThreadID != found.value.ThreadID) {
			return chat.Missing("id", ref.ID)
		}
		s = d.withFeedback(found.value)
		return nil
	})
	return s, err
}

func (d *data) withFeedback(s chat.Step) chat.Step {
	s.Tags, s.Metadata = slices.Clone(s.Tags), cloneObject(s.Metadata)
	if f, ok := d.feedbacks[s.ID]; ok {
		s.Feedback = &f
	}
	return s
}

// DeleteStep implements chat.Steps.
func (r rooms) DeleteStep(ctx context.Context, ref chat.Ref, w chat.Write) error {
	return r.at.write(ctx, func(d *data) error {
		s, ok := d.steps[ref.ID]
		if !ok || (ref.ThreadID != "" && ref.ThreadID != s.value.ThreadID) ||
			chat.Allow(w.Actor, d.threads[s.value.ThreadID].UserIdentifier, "") != nil {
			return chat.Missing("id", ref.ID)
		}
		d.dropTree(s.value, w)
		return nil
	})
}

// dropTree removes a step and those under it, which are of the same thread. A
// step goes before its children, so that a circle of parents ends.
func (d *data) dropTree(s chat.Step, w chat.Write) {
	d.dropStep(s.ID, w)
	for _, e := range inOrder(d.elements, func(e chat.Element) bool { return e.ForID == s.ID && e.ThreadID == s.ThreadID }) {
		d.dropElement(e, w)
	}
	d.dropFeedback(s.ID, w)
	for _, child := range inOrder(d.steps, func(c chat.Step) bool { return c.ParentID == s.ID && c.ThreadID == s.ThreadID }) {
		if _, ok := d.steps[child.ID]; ok {
			d.dropTree(child, w)
		}
	}
}

func (d *data) dropStep(id string, w chat.Write) {
	remove(d, d.steps, id)
	d.note("steps", id, change.Delete, w.Now)
}

// Favorites implements chat.Steps.
func (r rooms) Favorites(ctx context.Context, userID string) (steps []chat.Step, err error) {
	err = r.at.read(ctx, func(d *data) error {
		for _, s := range inOrder(d.steps, func(s chat.Step) bool {
			return s.Favorite() && d.threads[s.ThreadID].UserID == userID
		}) {
			steps = append(steps, d.withFeedback(s))
		}
		slices.Reverse(steps)
		return nil
	})
	return steps, err
}

// ApplyElement implements chat.Elements.
func (r rooms) ApplyElement(ctx context.Context, e chat.Element, w chat.Write) error {
	return r.at.write(ctx, func(d *data) error {
		old, ok := d.elements[e.ID]
		op := change.Update
		if !ok {
			d.births++
			old.birth = d.births
			op = change.Insert
		} else if old.value.ThreadID != e.ThreadID {
			return chat.ForeignElement(e.ID)
		}
		if err := d.touch(e.ThreadID, w); err != nil {
			return err
		}
		before := old.value.ObjectKey
		old.value = chat.MergeElement(old.value, e)
		put(d, d.elements, e.ID, old)
		if old.value.ObjectKey != before {
			d.orphan(before)
		}
		d.adopt(old.value.ObjectKey)
		d.note("elements", e.ID, op, w.Now)
		return nil
	})
}

// Element implements chat.Elements.
func (r rooms) Element(ctx context.Context, ref chat.Ref) (e chat.Element, err error) {
	err = r.at.read(ctx, func(d *data) error {
		found, ok := d.elements[ref.ID]
		if !ok || (ref.ThreadID != "" && ref.ThreadID != found.value.ThreadID) {
			return chat.Missing("id", ref.ID)
		}
		e = cloneElement(found.value)
		return nil
	})
	return e, err
}

func cloneElement(e chat.Element) chat.Element {
	e.Props = cloneObject(e.Props)
	return e
}

// DeleteElement implements chat.Elements.
func (r rooms) DeleteElement(ctx context.Context, ref chat.Ref, w chat.Write) error {
	return r.at.write(ctx, func(d *data) error {
		e, ok := d.elements[ref.ID]
		if !ok || (ref.ThreadID != "" && ref.ThreadID != e.value.ThreadID) ||
			chat.Allow(w.Actor, d.threads[e.value.ThreadID].UserIdentifier, "") != nil {
			return chat.Missing("id", ref.ID)
		}
		d.dropElement(e.value, w)
		return nil
	})
}

func (d *data) dropElement(e chat.Element, w chat.Write) {
	remove(d, d.elements, e.ID)
	d.orphan(e.ObjectKey)
	d.note("elements", e.ID, change.Delete, w.Now)
}

// ApplyFeedback implements chat.Feedbacks.
func (r rooms) ApplyFeedback(ctx context.Context, f chat.Feedback, w chat.Write) (string, error) {
	err := r.at.write(ctx, func(d *data) error {
		if s, ok := d.steps[f.ForID]; ok {
			f.ThreadID = s.value.ThreadID
		}
		if f.ThreadID == "" {
			return errs.Field(errs.NotFound, "forId", "there is no step %q; give threadId for a step that is not stored yet", f.ForID)
		}
		if err := d.touch(f.ThreadID, w); err != nil {
			return err
		}
		op := change.Insert
		if old, ok := d.feedbacks[f.ForID]; ok {
			op, f.ID = change.Update, old.ID
		} else if _, taken := d.feedbackStep(f.ID); taken {
			return errs.Field(errs.Conflict, "id", "feedback %q belongs to another step", f.ID)
		}
		put(d, d.feedbacks, f.ForID, f)
		d.note("feedbacks", f.ID, op, w.Now)
		return nil
	})
	return f.ID, err
}

func (d *data) feedbackStep(id string) (forID string, ok bool) {
	for forID, f := range d.feedbacks {
		if f.ID == id {
			return forID, true
		}
	}
	return "", false
}

// DeleteFeedback implements chat.Feedbacks.
func (r rooms) DeleteFeedback(ctx context.Context, ref chat.Ref, w chat.Write) error {
	return r.at.write(ctx, func(d *data) error {
		forID, ok := d.feedbackStep(ref.ID)
		if !ok || chat.Allow(w.Actor, d.threads[d.feedbacks[forID].ThreadID].UserIdentifier, "") != nil {
			return chat.Missing("id", ref.ID)
		}
		d.dropFeedback(forID, w)
		return nil
	})
}

func (d *data) dropFeedback(forID string, w chat.Write) {
	if f, ok := d.feedbacks[forID]; ok {
		remove(d, d.feedbacks, forID)
		d.note("feedbacks", f.ID, change.Delete, w.Now)
	}
}
