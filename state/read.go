package state

import (
	"context"
	"reflect"
	"slices"
	"strconv"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/page"
)

// Latest returns the newest version of a row, by the values of its key's
// columns. errs.NotFound when there is no row, or it was deleted.
func (r *Rows) Latest(ctx context.Context, key ...any) (Record, error) {
	t, v, err := r.newest(ctx, key)
	if err != nil {
		return Record{}, err
	}
	if v.Op == OpDelete {
		return Record{}, errNoRow
	}
	return t.record(v), nil
}

// newest is the newest version of a row of the acting user's, a tombstone too.
func (r *Rows) newest(ctx context.Context, key []any) (*Table, Version, error) {
	t, err := r.current(ctx)
	if err != nil {
		return nil, Version{}, err
	}
	k, err := t.keyOf(key)
	if err != nil {
		return nil, Version{}, err
	}
	v, err := r.s.store.Get(ctx, t, k, 0)
	if err == nil && !r.s.mine(t, v) {
		err = errNoRow
	}
	return t, v, err
}

// mine tells whether the acting user may see a version as a row of the table.
func (s *Service) mine(t *Table, v Version) bool {
	return t.ownedBy(s.user, v.Values)
}

// Contains tells whether there is a row.
func (r *Rows) Contains(ctx context.Context, key ...any) (bool, error) {
	_, err := r.Latest(ctx, key...)
	return found(err)
}

func found(err error) (bool, error) {
	if errs.KindOf(err) == errs.NotFound {
		return false, nil
	}
	return err == nil, err
}

// History returns the versions of a row, the newest first, deletions too: for
// an acting user those that were the user's, of a row that is the user's now.
// errs.NotFound when there never was such a row. Compacted versions are
// missing.
func (r *Rows) History(ctx context.Context, p page.Request, key ...any) (page.Page[Record], error) {
	out := page.Page[Record]{Data: []Record{}}
	t, newest, err := r.newest(ctx, key)
	if err != nil {
		return out, err
	}
	k, err := t.keyOf(key)
	if err != nil {
		return out, err
	}
	question := "history\x00" + t.Name + "\x00" + k
	before := newest.Number + 1
	if p.Cursor != "" {
		place, ok := r.s.signer().Open(question, p.Cursor)
		if before, err = strconv.ParseInt(place, 10, 64); !ok || err != nil {
			return out, errCursor
		}
	}
	versions, err := r.s.history(ctx, t, k, before, p.Limit()+1)
	if err != nil {
		return out, err
	}
	return cut(r.s.signer(), t, versions, p.Limit(), question, func(v Version) string {
		return strconv.FormatInt(v.Number, 10)
	}), nil
}

// history is that of the store, of versions that the acting user may see.
func (s *Service) history(ctx context.Context, t *Table, key string, before int64, limit int) ([]Version, error) {
	var out []Version
	for {
		versions, err := s.store.History(ctx, t, key, before, limit)
		if err != nil {
			return nil, err
		}
		for _, v := range versions {
			if before = v.Number; s.mine(t, v) {
				out = append(out, v)
			}
		}
		if len(out) >= limit {
			return out[:limit], nil
		}
		if len(versions) < limit {
			return out, nil
		}
	}
}

// cut makes a page of versions, of which one more than limit was asked for.
func cut(signer page.Signer, t *Table, versions []Version, limit int, question string, place func(Version) string) page.Page[Record] {
	out := page.Page[Record]{Data: []Record{}}
	if out.Info.HasNextPage = len(versions) > limit; out.Info.HasNextPage {
		versions = versions[:limit]
	}
	for _, v := range versions {
		out.Data = append(out.Data, t.record(v))
	}
	if n := len(versions); n > 0 {
		first, last := signer.Cursor(question, place(versions[0])), signer.Cursor(question, place(versions[n-1]))
		out.Info.StartCursor, out.Info.EndCursor = &first, &last
	}
	return out
}

// errCursor is the refusal of a cursor that is none of the listing's.
var errCursor = errs.Field(errs.Invalid, "cursor", "is not a cursor of this listing; start again without one")

// version finds a version of a row by its number. errs.NotFound: the row never
// had it, or it was not the acting user's; errs.Gone: it was compacted away.
func (r *Rows) version(ctx context.Context, t *Table, key string, newest, number int64) (Version, error) {
	if number < 1 || number > newest {
		return Version{}, errNoVersion(newest, number)
	}
	got, err := r.s.store.History(ctx, t, key, number+1, 1)
	if err != nil {
		return Version{}, err
	}
	if len(got) == 0 || got[0].Number != number {
		return Version{}, errNoVersion(newest, number)
	}
	if !r.s.mine(t, got[0]) {
		return Version{}, errNotYours(number)
	}
	return got[0], nil
}

// FieldDiff is a column whose value differs between two versions.
type FieldDiff struct {
	Column string `json:"column"`
	From   any    `json:"from"`
	To     any    `json:"to"`
}

// Diff returns the columns that differ between two versions of a row, in the
// order of the columns; none is no error. Errors are those of [Rows.Restore].
func (r *Rows) Diff(ctx context.Context, from, to int64, key ...any) ([]FieldDiff, error) {
	t, newest, err := r.newest(ctx, key)
	if err != nil {
		return nil, err
	}
	k, err := t.keyOf(key)
	if err != nil {
		return nil, err
	}
	a, err := r.version(ctx, t, k, newest.Number, from)
	if err != nil {
		return nil, err
	}
	b, err := r.version(ctx, t, k, newest.Number, to)
	if err != nil {
		return nil, err
	}
	diff := []FieldDiff{}
	for i, c := range t.Columns {
		if !reflect.DeepEqual(a.Values[i], b.Values[i]) {
			diff = append(diff, FieldDiff{Column: c.Name, From: a.Values[i], To: b.Values[i]})
		}
	}
	return slices.Clip(diff), nil
}
