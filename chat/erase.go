package chat

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/varvedb/varve/errs"
)

// Erased counts what an erasure removed, or would remove. One that is repeated
// counts what the ones before it had left.
type Erased struct {
	Users      int `json:"users" doc:"the row of the person, 0 or 1"`
	Threads    int `json:"threads"`
	Steps      int `json:"steps"`
	Elements   int `json:"elements"`
	Feedback   int `json:"feedback"`
	Files      int `json:"files" doc:"bytes of elements, looked for afterwards and not found"`
	Shared     int `json:"shared" doc:"bytes of elements that stay, since another's element names them too"`
	Elsewhere  int `json:"elsewhere" doc:"elements whose bytes are not kept here: the application's own storage has them"`
	Uploads    int `json:"uploads" doc:"bytes that were stored, and whose element never came"`
	Tombstones int `json:"tombstones" doc:"notes of earlier deletions that named the person, and do no more"`
}

// Nothing tells whether there was nothing of the person.
func (e Erased) Nothing() bool { return e == Erased{} }

// Erase removes a person for good: their threads with all that is in them, the
// bytes of its elements, the user, and their name where deleted threads are
// remembered. It returns when the bytes are gone; those that another's element
// names too stay. What it returns with an error was removed already: repeat it
// until there is none, also after the process was killed. A person of whom there
// is nothing is no error. With dry it only counts. errs.Forbidden when acting
// for a user.
func (s *Service) Erase(ctx context.Context, identifier string, dry bool) (Erased, error) {
	var done Erased
	var c checker
	c.id("identifier", identifier)
	if c.err != nil {
		return done, c.err
	}
	if Actor(ctx) != "" {
		return done, errs.New(errs.Forbidden, "only a caller that acts for no user may erase one")
	}
	u, err := s.port().User(ctx, identifier)
	if err != nil && errs.KindOf(err) != errs.NotFound {
		return done, err
	}
	e := eraser{Service: s, identifier: identifier, user: u, done: &done}
	if dry {
		return done, e.count(ctx)
	}
	return done, e.run(ctx)
}

// eraser is one erasure.
type eraser struct {
	*Service
	identifier string
	user       User // empty when there is no row
	done       *Erased
}

// erasePart is how many threads are taken at once. Where keys of bytes are not
// remembered over a restart it is one, so that a kill leaves little behind.
func (e *eraser) part() int {
	if e.store.Features().Orphans {
		return 16
	}
	return 1
}

func (e *eraser) count(ctx context.Context) error {
	if e.user.Identifier != "" {
		e.done.Users = 1
	}
	ids, err := e.store.Owned(ctx, e.identifier)
	if err != nil {
		return err
	}
	for part := range slices.Chunk(ids, e.part()) {
		threads, err := e.whole(ctx, part)
		if err != nil {
			return err
		}
		var keys []string
		for i := range threads {
			e.add(&threads[i])
			keys = append(keys, keysOf(&threads[i])...)
		}
		here, err := e.here(ctx, keys)
		if err != nil {
			return err
		}
		e.done.Files += len(here)
		e.done.Elsewhere += len(keys) - len(here)
	}
	return nil
}

// whole reads threads with all that is in them.
func (e *eraser) whole(ctx context.Context, ids []string) (threads []Thread, err error) {
	if m, ok := e.store.(Mover); ok {
		return m.Whole(ctx, ids)
	}
	for _, id := range ids {
		t, err := e.store.Thread(ctx, id)
		switch errs.KindOf(err) {
		case "":
			threads = append(threads, t)
		case errs.NotFound:
		default:
			return nil, err
		}
	}
	return threads, nil
}

// add counts a thread.
func (e *eraser) add(t *Thread) {
	e.done.Threads++
	e.done.Steps += len(t.Steps)
	e.done.Elements += len(t.Elements)
	e.done.Feedback += len(t.Loose)
	for i := range t.Steps {
		if t.Steps[i].Feedback != nil {
			e.done.Feedback++
		}
	}
	for i := range t.Elements {
		if t.Elements[i].ObjectKey == "" && t.Elements[i].URL != "" {
			e.done.Elsewhere++
		}
	}
}

func keysOf(t *Thread) (keys []string) {
	for i := range t.Elements {
		if key := t.Elements[i].ObjectKey; key != "" && !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	return keys
}

// here are those of the keys under which there are bytes.
func (e *eraser) here(ctx context.Context, keys []string) (found []string, err error) {
	if e.opt.Files == nil {
		return nil, nil
	}
	for _, key := range keys {
		c, err := e.opt.Files.Open(ctx, key)
		switch errs.KindOf(err) {
		case "":
			c.Body.Close()
			found = append(found, key)
		case errs.NotFound, errs.Invalid: // of another storage, whose keys have another form
		default:
			return nil, err
		}
	}
	return found, nil
}

// eraseTries is how often a person may come back with a thread while they are
// erased.
const eraseTries = 5

func (e *eraser) run(ctx context.Context) error {
	for try := 1; ; try++ {
		ids, err := e.store.Owned(ctx, e.identifier)
		if err != nil {
			return err
		}
		for part := range slices.Chunk(ids, e.part()) {
			if err := e.threads(ctx, part); err != nil {
				return err
			}
		}
		// What a run before this one, or a deletion by the person, left to do.
		if err := e.bytes(ctx); err != nil {
			return err
		}
		traces, err := e.store.EraseUser(ctx, e.identifier, e.write(ctx))
		if errors.Is(err, errs.Conflict) && try < eraseTries {
			continue
		}
		e.done.Users += traces.Users
		e.done.Tombstones += traces.Tombstones
		e.done.Threads += traces.Threads
		if err == nil && traces.Threads > 0 { // with elements, perhaps
			err = e.bytes(ctx)
		}
		return err
	}
}

// threads deletes some threads and then their bytes.
func (e *eraser) threads(ctx context.Context, ids []string) error {
	threads, err := e.whole(ctx, ids)
	if err != nil {
		return err
	}
	var keys []string
	for i := range threads {
		keys = append(keys, keysOf(&threads[i])...)
	}
	before, err := e.here(ctx, keys)
	if err != nil {
		return err
	}
	for i := range threads {
		err := e.store.DeleteThread(ctx, threads[i].ID, e.write(ctx))
		if errs.KindOf(err) == errs.NotFound {
			continue // somebody else deleted it
		}
		if err != nil {
			return err
		}
		e.add(&threads[i])
	}
	e.done.Elsewhere += len(keys) - len(before)
	if len(before) == 0 {
		return nil
	}
	if err := e.drain(ctx, e.opt.Now(), func(key string) bool { return slices.Contains(keys, key) }); err != nil {
		return err
	}
	after, err := e.here(ctx, before)
	e.done.Files += len(before) - len(after)
	e.done.Shared += len(after)
	return err
}

// bytes deletes all orphans that are due, since nothing tells whose they were,
// and uploads for the person that broke off, whose time has not come yet.
func (e *eraser) bytes(ctx context.Context) error {
	now := e.opt.Now()
	if err := e.drain(ctx, now, func(string) bool { return true }); err != nil || e.user.ID == "" {
		return err
	}
	theirs := objectKey(e.user.ID) + "/"
	return e.drain(ctx, now.Add(UploadGrace), func(key string) bool {
		if !strings.HasPrefix(key, theirs) {
			return false
		}
		e.done.Uploads++
		return true
	})
}

// drain deletes the orphans that are chosen.
func (e *eraser) drain(ctx context.Context, now time.Time, chosen func(string) bool) error {
	if e.sweep != nil && e.opt.Files != nil {
		return e.sweep.drain(ctx, now, chosen)
	}
	keys, err := e.store.Orphans(ctx, now, sweepBatch)
	if err == nil && slices.ContainsFunc(keys, chosen) {
		err = errs.New(errs.Unsupported, "there are bytes of elements to delete, and no place for bytes is configured here; name it with --elements")
	}
	return err
}
