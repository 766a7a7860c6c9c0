package state

import (
	"context"

	"github.com/varvedb/varve/errs"
)

// Undo takes back the newest version of a row by writing the values before it
// as a new version; a first version is undone by a deletion, a deletion by a
// restore. Undone twice, two versions are taken back. errs.NotFound when there
// never was such a row, errs.Gone when the values before were compacted away,
// errs.Conflict when the row changes meanwhile.
func (r *Rows) Undo(ctx context.Context, key ...any) (Record, error) {
	t, newest, err := r.newest(ctx, key)
	if err != nil {
		return Record{}, err
	}
	k, err := t.keyOf(key)
	if err != nil {
		return Record{}, err
	}
	// What a restore restored is what the row is at: before it lies what was
	// before that.
	at := newest
	for at.Op == OpRestore {
		if at, err = r.version(ctx, t, k, newest.Number, at.Source); err != nil {
			return Record{}, err
		}
	}
	c := Change{Op: OpDelete, Key: key, If: newest.Number}
	if at.Op != OpAppend { // before which there is nothing, or a deletion
		before, err := r.version(ctx, t, k, newest.Number, at.Number-1)
		if err != nil {
			return Record{}, err
		}
		if before.Op != OpDelete {
			c.Op, c.Version = OpRestore, before.Number
		}
	}
	return r.one(ctx, c)
}

// Undone is what [Rows.UndoRange] did.
type Undone struct {
	Records []Record // the new versions, one for each row
	Changed []Record // the newest versions of rows that were left alone
}

// UndoRange takes back all versions with positions past after and up to
// through, in one transaction: each row gets the values it had at after again.
// A row that was changed past through is errs.Conflict, and nothing is
// written, or with skip it is left alone and reported. errs.Gone when the
// state at after was compacted away; errs.TooLarge when more than [MaxChanges]
// rows are to be written. An acting user takes back what is in the user's rows.
func (r *Rows) UndoRange(ctx context.Context, after, through int64, skip bool) (Undone, error) {
	if after < 0 || through < after {
		return Undone{}, errs.Field(errs.Invalid, "through", "must not be before after, and after not negative")
	}
	t, err := r.current(ctx)
	if err != nil {
		return Undone{}, err
	}
	keys, err := r.touched(ctx, t, after, through)
	if err != nil {
		return Undone{}, err
	}
	var undone Undone
	var ws []Write
	for _, key := range keys {
		newest, w, err := r.takeBack(ctx, t, key, after)
		if err != nil {
			return Undone{}, err
		}
		switch {
		case !r.s.mine(t, newest) || w == nil:
		case newest.Seq <= through:
			ws = append(ws, *w)
		case skip:
			undone.Changed = append(undone.Changed, t.record(newest))
		default:
			return Undone{}, errs.Field(errs.Conflict, "through", "the row %q was changed past position %d, at %d; undo that first, or leave such rows alone", shown(key), through, newest.Seq)
		}
	}
	if len(ws) > 0 {
		versions, err := r.s.store.Write(ctx, t.Name, ws)
		if err != nil {
			return Undone{}, err
		}
		r.s.Nudge()
		if undone.Records, err = r.written(ctx, t, versions); err != nil {
			return Undone{}, err
		}
	}
	return undone, nil
}

// touched are the keys of the rows with versions in a range of positions, in
// the order of their first.
func (r *Rows) touched(ctx context.Context, t *Table, after, through int64) ([]string, error) {
	seen := map[int64]bool{}
	var keys []string
	for from := after; from < through; {
		versions, err := r.s.store.Log(ctx, t, from, walk)
		if err != nil {
			return nil, err
		}
		for _, v := range versions {
			if from = v.Seq; v.Seq > through || seen[v.Entity] {
				continue
			}
			key, err := t.RowKey(v.Values)
			if err != nil {
				return nil, err
			}
			seen[v.Entity], keys = true, append(keys, key)
		}
		if len(versions) < walk {
			break
		}
		if len(keys) > MaxChanges {
			return nil, errs.Field(errs.TooLarge, "through", "more than %d rows were written in this range; take it back in parts", MaxChanges)
		}
	}
	return keys, r.told(ctx, after)
}

// takeBack is the write that gives a row the values it had at a position, and
// its newest version. nil: it is as it was.
func (r *Rows) takeBack(ctx context.Context, t *Table, key string, after int64) (newest Version, w *Write, err error) {
	if newest, err = r.s.store.Get(ctx, t, key, 0); err != nil {
		return newest, nil, err
	}
	w = &Write{Op: OpDelete, Key: key, Expect: newest.Number, Owner: r.s.user, Actor: r.s.actor, Now: r.s.opt.Now()}
	if after == 0 {
		return newest, alive(newest, w), nil
	}
	then, err := r.s.store.Get(ctx, t, key, after)
	switch {
	case errs.KindOf(err) == errs.NotFound, err == nil && then.Op == OpDelete:
		return newest, alive(newest, w), nil
	case err != nil:
		return newest, nil, err
	case !r.s.mine(t, then):
		return newest, nil, nil // it was another's, and is not given back
	}
	w.Op, w.Source = OpRestore, then.Number
	return newest, w, nil
}

// alive keeps a deletion of a row that is there.
func alive(newest Version, w *Write) *Write {
	if newest.Op == OpDelete {
		return nil
	}
	return w
}
