package exports

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/erasure"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/transfer"
	"github.com/varvedb/varve/transfer/archive"
	"github.com/varvedb/varve/transfer/archive/parquet"
)

// Without implements erasure.Exports. One erasure at a time goes through the
// files, of whatever process: two that rewrote one export at once would each
// bring back whom the other took out.
func (n *Notes) Without(ctx context.Context, identifier string, dry bool) (done []erasure.Reached, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if _, err := os.Stat(n.dir); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	unlock, err := lock(ctx, filepath.Join(n.dir, lockName))
	if err != nil {
		return nil, err
	}
	defer unlock()
	all, err := n.list()
	if err != nil {
		return nil, err
	}
	var failed []error
	for _, e := range all {
		if err := ctx.Err(); err != nil {
			return done, errs.Wrap(errs.Unavailable, err, "the erasure was given up")
		}
		r := erasure.Reached{Path: e.Path, Host: e.Host, Made: e.Made}
		r.Outcome, r.Threads, err = n.one(ctx, e, identifier, dry)
		if err != nil {
			r.Outcome = erasure.Failed
			failed = append(failed, err)
		}
		if r.Outcome != "" {
			done = append(done, r)
		}
	}
	return done, errors.Join(failed...)
}

// one takes a person out of one export; "" when nothing of theirs is in it.
func (n *Notes) one(ctx context.Context, e erasure.Export, identifier string, dry bool) (outcome string, threads int64, err error) {
	if e.Digest == "" && !dry {
		if err := n.void(ctx, e); err != nil {
			return "", 0, err
		}
	}
	if e.Path == "" || e.Distant || e.Host != Host() {
		return erasure.Elsewhere, 0, nil
	}
	if e.Next != "" && !dry {
		if e, err = n.resume(ctx, e); err != nil {
			return "", 0, err
		}
	}
	digest, err := Digest(e.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && e.Digest == "":
		return "", 0, nil // it never comes to be
	case errors.Is(err, fs.ErrNotExist):
		return erasure.Moved, 0, nil
	case err != nil && errs.KindOf(err) != errs.Invalid:
		return "", 0, unread(err)
	case e.Digest == "":
		return erasure.Unsure, 0, nil
	case err != nil || digest != e.Digest:
		return erasure.Changed, 0, nil
	}
	return n.within(ctx, e, identifier, dry)
}

// unfinished is how long an export may take: who writes longer than that was
// killed.
const unfinished = 7 * 24 * time.Hour

// void keeps an export that is being written from being finished: what it has
// read may be of the person.
func (n *Notes) void(ctx context.Context, e erasure.Export) error {
	if _, err := os.Lstat(e.Path); time.Since(e.Made) > unfinished && errors.Is(err, fs.ErrNotExist) {
		return n.Forget(ctx, e.ID)
	}
	e.Void = true
	return n.write(e)
}

// within looks into an export that is as it was made.
func (n *Notes) within(ctx context.Context, e erasure.Export, identifier string, dry bool) (outcome string, threads int64, err error) {
	from, err := archive.Open(ctx, archive.Source{Path: e.Path, Forms: []archive.Form{parquet.Form()}})
	if err != nil {
		return "", 0, err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	side, left, err := transfer.Without(ctx, from.Side(), func(_ context.Context, users []chat.User) (map[string]bool, error) {
		return map[string]bool{identifier: true}, nil
	})
	if err != nil {
		return "", 0, err
	}
	if err := all(ctx, side); err != nil || left.Users+left.Threads() == 0 {
		return "", 0, err
	}
	if dry {
		return erasure.WouldBe, left.Threads(), nil
	}
	fresh := beside(e.Path, "erasing")
	rest, err := rewrite(ctx, side, e.Path, fresh)
	if err == nil {
		outcome, err = n.put(ctx, e, fresh, rest)
	}
	return outcome, left.Threads(), errors.Join(err, os.RemoveAll(fresh))
}

// all walks a side.
func all(ctx context.Context, side transfer.Side) error {
	job := transfer.Copy{From: side, To: side, DryRun: true}
	return job.Run(ctx)
}

// rewrite writes what is left of an export beside it, in the same form. Nothing
// may get lost: what the archive would not take is an error.
func rewrite(ctx context.Context, side transfer.Side, path, fresh string) (transfer.Count, error) {
	if err := os.RemoveAll(fresh); err != nil { // of a run that was killed
		return transfer.Count{}, errs.Wrap(errs.Unavailable, err, "an export cannot be rewritten")
	}
	o := archive.Options{}
	if info, err := os.Stat(filepath.Join(path, "bytes")); err == nil {
		o.Bytes = info.IsDir()
	}
	if _, err := os.Stat(filepath.Join(path, "threads.parquet")); err == nil {
		o.Tables = parquet.Create
	}
	w, err := archive.Create(fresh, side.Store, o)
	if err != nil {
		return transfer.Count{}, err
	}
	job := transfer.Copy{From: side, To: w.Side()}
	err = job.Run(ctx)
	if err == nil && job.Refusals > 0 {
		err = errs.New(errs.Invalid, "an export cannot be rewritten: %d of its threads would be lost", job.Refusals)
	}
	return job.Done, w.Finish(err)
}

// beside is a name next to a path for work on it, the same each time, so that
// what a run leaves that was killed is found.
func beside(path, what string) string {
	return filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+"-"+what)
}

// put puts what is left in the place of an export. The note says first what is
// going to be there: whenever this is killed, the next run knows what to do.
func (n *Notes) put(ctx context.Context, e erasure.Export, fresh string, rest transfer.Count) (string, error) {
	if rest.Users+rest.Threads == 0 {
		if err := os.RemoveAll(e.Path); err != nil {
			return "", errs.Wrap(errs.Unavailable, err, "an export cannot be removed")
		}
		return erasure.Emptied, n.Forget(ctx, e.ID)
	}
	var err error
	if e.Next, err = Digest(fresh); err != nil {
		return "", unread(err)
	}
	if err := n.write(e); err != nil {
		return "", err
	}
	_, err = n.resume(ctx, e)
	return erasure.Rewritten, err
}

// resume ends what put began, from wherever it stopped.
func (n *Notes) resume(ctx context.Context, e erasure.Export) (erasure.Export, error) {
	fresh, old := beside(e.Path, "erasing"), beside(e.Path, "erased")
	is, err := Digest(e.Path)
	missing := errors.Is(err, fs.ErrNotExist)
	if ready, _ := Digest(fresh); ready == e.Next && (missing || err == nil && is == e.Digest) {
		if info, err := os.Lstat(e.Path); err == nil && info.IsDir() {
			if err := os.Rename(e.Path, old); err != nil {
				return e, errs.Wrap(errs.Unavailable, err, "an export cannot be rewritten")
			}
		}
		if err := os.Rename(fresh, e.Path); err != nil {
			return e, errs.Wrap(errs.Unavailable, err, "an export cannot be rewritten")
		}
	}
	if _, err := os.Lstat(e.Path); errors.Is(err, fs.ErrNotExist) {
		// What stood ready is gone: the old one is still the only one.
		if err := os.Rename(old, e.Path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return e, errs.Wrap(errs.Unavailable, err, "an export cannot be put back")
		}
	}
	for _, leftover := range []string{fresh, old} {
		if err := os.RemoveAll(leftover); err != nil {
			return e, errs.Wrap(errs.Unavailable, err, "what was an export cannot be removed")
		}
	}
	if is, err := Digest(e.Path); err == nil && is == e.Next {
		e.Digest = e.Next
	}
	e.Next = ""
	return e, n.write(e)
}
