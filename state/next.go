package state

import (
	"time"

	"github.com/varvedb/varve/errs"
)

// Next makes the version that a write asks for, from the newest version of
// the row, nil when there never was one. It is what a write means, on every
// database. source is the version that a restore names, nil otherwise. The
// store fills in Seq and the Entity of a new row, and makes the time, which is
// the clock's, [Tick]. On an error nothing is to be written.
func Next(t *Table, newest, source *Version, w Write) (Version, error) {
	v := Version{Number: 1, Op: w.Op, Actor: w.Actor, At: w.Now}
	if newest != nil {
		v.Entity, v.Number = newest.Entity, newest.Number+1
	}
	if err := permitted(t, newest, w); err != nil {
		return v, err
	}
	alive := newest != nil && newest.Op != OpDelete
	if w.Expect != 0 && w.Expect != v.Number-1 {
		return v, errs.Field(errs.Conflict, "version", "the row is at version %d, not %d; read it again and repeat the change", v.Number-1, w.Expect)
	}
	if w.Op == OpPut {
		v.Op = OpAppend
		if alive {
			v.Op = OpUpdate
		}
	}
	switch {
	case w.Op == OpAppend && alive:
		return v, errs.New(errs.Exists, "there is a row with this key already; update it instead")
	case (w.Op == OpUpdate || w.Op == OpDelete) && !alive, w.Op == OpRestore && newest == nil:
		return v, errNoRow
	case w.Op == OpRestore && source == nil:
		return v, errNoVersion(newest.Number, w.Source)
	case w.Op == OpRestore && !t.ownedBy(w.Owner, source.Values):
		return v, errNotYours(source.Number)
	}
	base := newest
	switch {
	case w.Op == OpRestore:
		if source.Op == OpDelete {
			return v, errs.Field(errs.Invalid, "version", "version %d is a deletion; there is nothing in it to restore", source.Number)
		}
		base, v.Source = source, source.Number
	case w.Op == OpDelete:
		v.Values = t.bare(newest.Values)
		return v, nil
	case !alive || w.Whole:
		base = nil
	}
	v.Values = make([]any, len(t.Columns))
	if base != nil {
		copy(v.Values, base.Values)
	}
	for name, value := range w.Values {
		i := t.column(Column{Name: name})
		if i < 0 {
			return v, errs.Field(errs.Invalid, name, "the table %q has no such column", t.Name)
		}
		v.Values[i] = Widen(value, t.Columns[i].Type)
	}
	if owner := t.Index(t.Owner); w.Owner != nil && owner >= 0 {
		v.Values[owner] = *w.Owner
	}
	return v, nil
}

// NoRow is the error of a store for a row that is not there.
func NoRow() error { return errNoRow }

var errNoRow = errs.New(errs.NotFound, "there is no row with this key")

// errNoVersion tells why a row whose newest version is known lacks one.
func errNoVersion(newest, number int64) error {
	if number < 1 || number > newest {
		return errs.Field(errs.NotFound, "version", "the row has no version %d; its newest is %d", number, newest)
	}
	return errs.Field(errs.Gone, "version", "version %d was compacted away", number)
}

// errNotYours is for a version from before the row was the acting user's: one
// who takes a key over does not get what it held.
func errNotYours(number int64) error {
	return errs.Field(errs.NotFound, "version", "the row has no version %d of yours", number)
}

// ownedBy tells whether a user, nil for all, may see values.
func (t *Table) ownedBy(user *string, values []any) bool {
	owner := t.Index(t.Owner)
	return user == nil || owner < 0 || values[owner] == any(*user)
}

// permitted refuses a write by a user to another's row, as if it were not
// there, and one that would make a row another's.
func permitted(t *Table, newest *Version, w Write) error {
	owner := t.Index(t.Owner)
	if w.Owner == nil || owner < 0 {
		return nil
	}
	// A tombstone is nobody's but for the one who wants its row back.
	if newest != nil && (newest.Op != OpDelete || w.Op == OpRestore) && newest.Values[owner] != any(*w.Owner) {
		if w.Op == OpAppend || w.Op == OpPut {
			return errs.New(errs.Exists, "there is a row with this key already, and it is not yours")
		}
		return errNoRow
	}
	for name, given := range w.Values {
		if t.column(Column{Name: name}) == owner && given != any(*w.Owner) {
			return errs.Field(errs.Forbidden, t.Owner, "a row cannot be made another user's")
		}
	}
	return nil
}

// bare are the values of a tombstone: key and owner.
func (t *Table) bare(values []any) []any {
	out := make([]any, len(t.Columns))
	for _, name := range append([]string{t.Owner}, t.Schema.Key...) {
		if i := t.Index(name); i >= 0 {
			out[i] = values[i]
		}
	}
	return out
}

// Tick is the time of a version that follows one of the time last: the clock's
// in whole microseconds, or just after last when the clock is not past it.
func Tick(last, now time.Time) time.Time {
	now = now.UTC().Truncate(time.Microsecond)
	if !now.After(last) {
		return last.Add(time.Microsecond)
	}
	return now
}
