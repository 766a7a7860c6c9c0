package memory

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/varvedb/varve/change"
	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
)

// rooms serves the port of conversations over the data.
type rooms struct{ at access }

var _ chat.Store = rooms{}

// Features implements chat.Store.
func (rooms) Features() chat.Features {
	return chat.Features{AnyID: true, Tombstones: true, Transactions: true, ChangeLog: true,
		UnknownKeys: true}
}

// User implements chat.Users.
func (r rooms) User(ctx context.Context, identifier string) (u chat.User, err error) {
	err = r.at.read(ctx, func(d *data) error {
		var ok bool
		if u, ok = d.users[identifier]; !ok {
			return chat.Missing("identifier", identifier)
		}
		u.Metadata = cloneObject(u.Metadata)
		return nil
	})
	return u, err
}

// Users implements chat.Users.
func (r rooms) Users(ctx context.Context, after string, limit int) (users []chat.User, err error) {
	err = r.at.read(ctx, func(d *data) error {
		for _, u := range d.users {
			if u.Identifier > after {
				u.Metadata = cloneObject(u.Metadata)
				users = append(users, u)
			}
		}
		slices.SortFunc(users, func(a, b chat.User) int { return cmp.Compare(a.Identifier, b.Identifier) })
		users = users[:min(len(users), limit)]
		return nil
	})
	return users, err
}

// PutUser implements chat.Users.
func (r rooms) PutUser(ctx context.Context, u chat.User, w chat.Write) (chat.User, error) {
	err := r.at.write(ctx, func(d *data) error {
		op := change.Insert
		if old, ok := d.users[u.Identifier]; ok {
			op, u.ID, u.CreatedAt = change.Update, old.ID, old.CreatedAt
		}
		u.DisplayName = ""
		put(d, d.users, u.Identifier, u)
		d.note("users", u.ID, op, w.Now)
		return nil
	})
	u.Metadata = cloneObject(u.Metadata)
	return u, err
}

func (d *data) userByID(id string) (chat.User, bool) {
	for _, u := range d.users {
		if u.ID == id {
			return u, true
		}
	}
	return chat.User{}, false
}

// ApplyThread implements chat.Threads.
func (r rooms) ApplyThread(ctx context.Context, p chat.ThreadPatch, w chat.Write) error {
	return r.at.write(ctx, func(d *data) error {
		newOwner := ""
		if p.UserID != "" {
			u, ok := d.userByID(p.UserID)
			if !ok {
				return errs.Field(errs.Invalid, "userId", "there is no user with id %q; put the user first", p.UserID)
			}
			newOwner = u.Identifier
		}
		t, isNew, err := d.thread(p.ID, newOwner, w)
		if err != nil {
			return err
		}
		merged := chat.MergeThread(t, p)
		if newOwner != "" {
			merged.UserIdentifier = newOwner
		}
		d.save(merged, isNew, w)
		return nil
	})
}

// thread returns the thread a write is about, new when missing, after the
// checks that every write makes.
func (d *data) thread(id, newOwner string, w chat.Write) (t chat.Thread, isNew bool, err error) {
	if tomb, ok := d.tombstones[id]; ok && w.Now.Sub(tomb.at) < chat.TombstoneAge {
		return t, false, chat.Deleted(id)
	}
	t, ok := d.threads[id]
	if !ok {
		t = chat.Thread{ID: id, CreatedAt: chat.FormatTime(w.Now), Metadata: chat.Object{}}
		t.LastActivity = t.CreatedAt
	}
	return t, !ok, chat.Allow(w.Actor, t.UserIdentifier, newOwner)
}

func (d *data) save(t chat.Thread, isNew bool, w chat.Write) {
	op := change.Update
	if isNew {
		op = change.Insert
	}
	put(d, d.threads, t.ID, t)
	d.note("threads", t.ID, op, w.Now)
}

// touch creates the thread of a write when missing, without changing one that
// is there.
func (d *data) touch(id string, w chat.Write) error {
	t, isNew, err := d.thread(id, "", w)
	if err == nil && isNew {
		d.save(t, true, w)
	}
	return err
}

// Thread implements chat.Threads.
func (r rooms) Thread(ctx context.Context, id string) (t chat.Thread, err error) {
	err = r.at.read(ctx, func(d *data) error {
		var ok bool
		if t, ok = d.threads[id]; !ok {
			return chat.Missing("threadId", id)
		}
		t = cloneThread(t)
		for _, s := range inOrder(d.steps, func(s chat.Step) bool { return s.ThreadID == id }) {
			t.Steps = append(t.Steps, d.withFeedback(s))
		}
		slices.SortStableFunc(t.Steps, func(a, b chat.Step) int { return cmp.Compare(a.CreatedAt, b.CreatedAt) })
		for _, e := range inOrder(d.elements, func(e chat.Element) bool { return e.ThreadID == id }) {
			t.Elements = append(t.Elements, cloneElement(e))
		}
		return nil
	})
	return t, err
}

// Head implements chat.Threads.
func (r rooms) Head(ctx context.Context, id string) (h chat.Head, err error) {
	err = r.at.read(ctx, func(d *data) error {
		if t, ok := d.threads[id]; ok {
			h = headOf(t)
			return nil
		}
		if tomb, ok := d.tombstones[id]; ok {
			h = tomb.head
			return nil
		}
		return chat.Missing("threadId", id)
	})
	return h, err
}

func headOf(t chat.Thread) chat.Head {
	return chat.Head{ID: t.ID, UserID: t.UserID, UserIdentifier: t.UserIdentifier, LastActivity: t.LastActivity}
}

// Threads implements chat.Threads.
func (r rooms) Threads(ctx context.Context, q chat.ThreadQuery) (found []chat.Thread, err error) {
	err = r.at.read(ctx, func(d *data) error {
		for _, t := range d.threads {
			if d.matches(t, q) {
				found = append(found, cloneThread(t))
			}
		}
		slices.SortFunc(found, func(a, b chat.Thread) int { return order(place(b), place(a)) })
		found = found[:min(len(found), q.Limit)]
		return nil
	})
	return found, err
}

func (d *data) matches(t chat.Thread, q chat.ThreadQuery) bool {
	if q.UserID != "" && t.UserID != q.UserID {
		return false
	}
	if q.After != nil && order(place(t), *q.After) >= 0 {
		return false
	}
	if q.Feedback != nil && !d.hasFeedback(t.ID, *q.Feedback) {
		return false
	}
	return q.Search == "" || d.mentions(t, chat.Fold(q.Search))
}

func (d *data) hasFeedback(threadID string, value int) bool {
	for _, f := range d.feedbacks {
		if f.ThreadID == threadID && f.Value == value {
			return true
		}
	}
	return false
}

func (d *data) mentions(t chat.Thread, folded string) bool {
	if strings.Contains(chat.Fold(t.Name), folded) {
		return true
	}
	for _, s := range d.steps {
		if s.value.ThreadID == t.ID && strings.Contains(chat.Fold(s.value.Output), folded) {
			return true
		}
	}
	return false
}

func place(t chat.Thread) chat.Place { return chat.Place{LastActivity: t.LastActivity, ID: t.ID} }

func order(a, b chat.Place) int {
	return cmp.Or(cmp.Compare(a.LastActivity, b.LastActivity), cmp.Compare(a.ID, b.ID))
}

// DeleteThread implements chat.Threads.
func (r rooms) DeleteThread(ctx context.Context, id string, w chat.Write) error {
	return r.at.write(ctx, func(d *data) error {
		t, ok := d.threads[id]
		if !ok || chat.Allow(w.Actor, t.UserIdentifier, "") != nil {
			return chat.Missing("threadId", id)
		}
		for _, s := range inOrder(d.steps, func(s chat.Step) bool { return s.ThreadID == id }) {
			d.dropFeedback(s.ID, w) // whichever thread it came with
			d.dropStep(s.ID, w)
		}
		for _, e := range inOrder(d.elements, func(e chat.Element) bool { return e.ThreadID == id }) {
			d.dropElement(e, w)
		}
		for forID, f := range d.feedbacks {
			if f.ThreadID == id {
				d.dropFeedback(forID, w)
			}
		}
		h := headOf(t)
		h.Deleted = true
		put(d, d.tombstones, id, tombstone{head: h, at: w.Now})
		remove(d, d.threads, id)
		d.note("threads", id, change.Delete, w.Now)
		return nil
	})
}

// inOrder returns the values that match, oldest row first.
func inOrder[T any](table map[string]row[T], match func(T) bool) []T {
	var rows []row[T]
	for _, r := range table {
		if match(r.value) {
			rows = append(rows, r)
		}
	}
	slices.SortFunc(rows, func(a, b row[T]) int { return a.birth - b.birth })
	values := make([]T, len(rows))
	for i, r := range rows {
		values[i] = r.value
	}
	return values
}

func cloneThread(t chat.Thread) chat.Thread {
	t.Tags, t.Metadata = slices.Clone(t.Tags), cloneObject(t.Metadata)
	return t
}

// cloneObject copies an object to its depth: what callers do with theirs does
// not reach the store.
func cloneObject(o chat.Object) chat.Object {
	if o == nil {
		return nil
	}
	return clone(map[string]any(o)).(map[string]any)
}

func clone(v any) any {
	switch v := v.(type) {
	case map[string]any:
		own := maps.Clone(v)
		for key, item := range own {
			own[key] = clone(item)
		}
		return own
	case []any:
		own := slices.Clone(v)
		for i, item := range own {
			own[i] = clone(item)
		}
		return own
	}
	return v
}
