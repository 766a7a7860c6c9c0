package dkdc

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/state"
	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/store/sqlite"
)

// versions serves the port: what is dkdc's is in both files, everything else
// in the one beside.
type versions struct{ s *Store }

var _ state.Store = versions{}

func (v versions) beside() state.Store { return v.s.beside.State() }

// fresh takes over what dkdc wrote since, if the table is one of dkdc's.
func (v versions) fresh(ctx context.Context, name string) (state.Store, error) {
	t := tableOf(name)
	if t == nil {
		return v.beside(), nil
	}
	v.s.mu.Lock()
	defer v.s.mu.Unlock()
	_, err := v.s.taken(ctx, t)
	return v.beside(), err
}

// Tables implements state.Store.
func (v versions) Tables(ctx context.Context) ([]state.Table, error) {
	for _, t := range tables {
		if _, err := v.fresh(ctx, t.name); err != nil && !errors.Is(err, errs.NotFound) {
			return nil, err
		}
	}
	return v.beside().Tables(ctx)
}

// Declare implements state.Store.
func (v versions) Declare(ctx context.Context, s state.Schema) (state.Table, error) {
	return v.beside().Declare(ctx, s)
}

// Write implements state.Store. dkdc's row is written before the file beside
// is committed: a crash in between leaves the row, which is taken over.
func (v versions) Write(ctx context.Context, name string, ws []state.Write) (made []state.Version, err error) {
	t := tableOf(name)
	if t == nil {
		return v.beside().Write(ctx, name, ws)
	}
	v.s.mu.Lock()
	defer v.s.mu.Unlock()
	for try := 0; ; try++ {
		made, err = v.write(ctx, t, ws)
		if !errors.Is(err, errAppended) || try == 10 {
			return made, err
		}
	}
}

// errAppended is that dkdc was faster.
var errAppended = errs.New(errs.Conflict, "another program appended to this table just now; try again")

func (v versions) write(ctx context.Context, t *table, ws []state.Write) (made []state.Version, err error) {
	m, err := v.s.taken(ctx, t)
	if err != nil {
		return nil, err
	}
	guest := t.in(v.s.Store)
	like, err := guest.Rows(ctx, max(m.row, 1), 1)
	if err != nil {
		return nil, err
	}
	err = v.s.beside.Update(ctx, func(ctx context.Context, tx store.Tx) error {
		if made, err = tx.State().Write(ctx, t.name, ws); err != nil {
			return err
		}
		rows, err := rowsOf(ctx, tx, t, made, like)
		if err != nil {
			return err
		}
		// A context of its own: the other file has its own writer and is
		// outside of this Update, and what was begun is brought to an end.
		newest, err := guest.Append(context.Background(), m.row, rows)
		if errors.Is(err, errs.Conflict) {
			return errAppended
		}
		if err != nil {
			return err
		}
		last := sqlite.GuestRow{ID: newest, Values: rows[len(rows)-1]}
		return sqlite.Note(ctx, tx, noteOf(t), mark{newest, printOf(last)}.String())
	})
	return made, err
}

// rowsOf are the rows of dkdc's for new versions. dkdc has no deletion; what
// its own program does is a row with that status.
func rowsOf(ctx context.Context, tx store.Tx, t *table, made []state.Version, like []sqlite.GuestRow) ([][]any, error) {
	declared, err := declaredIn(ctx, tx, t.name)
	if err != nil {
		return nil, err
	}
	var form any
	if len(like) > 0 {
		form = like[0].Values[0]
	}
	rows := make([][]any, len(made))
	for i, version := range made {
		if version.Op == state.OpDelete {
			if version, err = lastAlive(ctx, tx, declared, version); err != nil {
				return nil, err
			}
		}
		values := map[string]any{}
		for j, c := range declared.Columns {
			values[c.Name] = version.Values[j]
		}
		row, err := t.values(values, func(hash string) ([]byte, error) { return contentIn(ctx, tx, hash) })
		if err != nil {
			return nil, err
		}
		if made[i].Op == state.OpDelete {
			row["status"] = "deleted"
		}
		row["idx"] = idxOf(made[i].At, form)
		rows[i] = t.ordered(row)
	}
	return rows, nil
}

// lastAlive is the version that a deletion ended.
func lastAlive(ctx context.Context, tx store.Tx, t *state.Table, tombstone state.Version) (state.Version, error) {
	key, err := t.RowKey(tombstone.Values)
	if err != nil {
		return state.Version{}, err
	}
	was, err := tx.State().History(ctx, t, key, tombstone.Number, 1)
	if err != nil || len(was) == 0 {
		return tombstone, err
	}
	return was[0], nil
}

func declaredIn(ctx context.Context, tx store.Tx, name string) (*state.Table, error) {
	all, err := tx.State().Tables(ctx)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(t state.Table) bool { return strings.EqualFold(t.Name, name) })
	if i < 0 {
		return nil, state.NoTable(name)
	}
	return &all[i], nil
}

// contentIn are the bytes under a hash, which must be small enough to lie in a
// row, as dkdc keeps them.
func contentIn(ctx context.Context, tx store.Tx, hash string) ([]byte, error) {
	t, err := declaredIn(ctx, tx, contentTable)
	if err != nil {
		return nil, err
	}
	v, err := tx.State().Get(ctx, t, hash, 0)
	if err != nil {
		return nil, err
	}
	data, _ := v.Values[t.Index("data")].([]byte)
	if v.Values[t.Index("data")] == nil {
		return nil, errs.Field(errs.TooLarge, "data", "is too large for a file of dkdc's, which keeps the bytes in the row; use a database of Varve's")
	}
	return data, nil
}

// Clear implements state.Store.
func (v versions) Clear(ctx context.Context, names []string) error {
	v.s.mu.Lock()
	defer v.s.mu.Unlock()
	for _, name := range names {
		t := tableOf(name)
		if t == nil {
			continue
		}
		if err := t.in(v.s.Store).Clear(ctx); err != nil {
			return err
		}
		if err := sqlite.Note(ctx, v.s.beside, noteOf(t), mark{}.String()); err != nil {
			return err
		}
	}
	return v.beside().Clear(ctx, names)
}

// Head implements state.Store.
func (v versions) Head(ctx context.Context, t *state.Table) (state.Head, error) {
	beside, err := v.fresh(ctx, t.Name)
	if err != nil {
		return state.Head{}, err
	}
	return beside.Head(ctx, t)
}

// Get implements state.Store.
func (v versions) Get(ctx context.Context, t *state.Table, key string, at int64) (state.Version, error) {
	beside, err := v.fresh(ctx, t.Name)
	if err != nil {
		return state.Version{}, err
	}
	return beside.Get(ctx, t, key, at)
}

// Scan implements state.Store.
func (v versions) Scan(ctx context.Context, t *state.Table, q state.Scan) ([]state.Version, error) {
	beside, err := v.fresh(ctx, t.Name)
	if err != nil {
		return nil, err
	}
	return beside.Scan(ctx, t, q)
}

// History implements state.Store.
func (v versions) History(ctx context.Context, t *state.Table, key string, before int64, limit int) ([]state.Version, error) {
	beside, err := v.fresh(ctx, t.Name)
	if err != nil {
		return nil, err
	}
	return beside.History(ctx, t, key, before, limit)
}

// Log implements state.Store.
func (v versions) Log(ctx context.Context, t *state.Table, after int64, limit int) ([]state.Version, error) {
	beside, err := v.fresh(ctx, t.Name)
	if err != nil {
		return nil, err
	}
	return beside.Log(ctx, t, after, limit)
}

// Position implements state.Store.
func (v versions) Position(ctx context.Context, t *state.Table, at time.Time) (int64, error) {
	beside, err := v.fresh(ctx, t.Name)
	if err != nil {
		return 0, err
	}
	return beside.Position(ctx, t, at)
}

// Compact implements state.Store. dkdc's rows all stay: with the file beside
// deleted, they are versions again.
func (v versions) Compact(ctx context.Context, t *state.Table, horizon, keep int64) (int64, error) {
	return v.beside().Compact(ctx, t, horizon, keep)
}
