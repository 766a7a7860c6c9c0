package folder

import (
	"context"
	"slices"

	"github.com/varvedb/varve/change"
	"github.com/varvedb/varve/query"
	"github.com/varvedb/varve/store/internal/rowquery"
)

// index is the keys of a file, which is known by its sum.
type index struct {
	sum  string
	keys map[string]struct{}
}

// indexed are the keys of a table.
func (s *Store) indexed(t *table) map[string]struct{} {
	if s.keys.sum != t.sum {
		key := t.Index(t.Key)
		s.keys = index{t.sum, make(map[string]struct{}, len(t.rows))}
		for _, row := range t.rows {
			s.keys.keys[rowquery.KeyText(row[key])] = struct{}{}
		}
	}
	return s.keys.keys
}

// Insert implements query.Store.
func (d data) Insert(ctx context.Context, w query.Write, rows [][]any) (added []string, err error) {
	if len(rows) == 0 {
		return nil, nil
	}
	err = d.change(ctx, w, func(old, t *table) ([]change.Event, error) {
		in := d.indexed(old)
		d.keys.sum = "" // until it is settled what they are of
		if added, err = t.add(in, rows); err != nil {
			return nil, err
		}
		return []change.Event{t.span(rows, w)}, nil
	}, func(t *table) { d.keys.sum = t.sum })
	if err != nil {
		return nil, err
	}
	return added, nil
}

// add adds rows whose keys are not taken, and the keys to those that are.
func (t *table) add(in map[string]struct{}, rows [][]any) (added []string, err error) {
	at := t.Index(t.Key)
	t.rows, t.content.Lines = slices.Grow(slices.Clip(t.rows), len(rows)), slices.Grow(slices.Clip(t.content.Lines), len(rows))
	for _, row := range rows {
		key := rowquery.KeyText(row[at])
		if _, taken := in[key]; taken {
			return nil, query.TakenKey(&t.Table, key)
		}
		in[key] = struct{}{}
		line, err := t.content.Line(row)
		if err != nil {
			return nil, err
		}
		added = append(added, key)
		t.rows, t.content.Lines = append(t.rows, slices.Clone(row)), append(t.content.Lines, line)
	}
	return added, nil
}

// span is the note of an insert: of all keys from the least to the greatest.
func (t *table) span(rows [][]any, w query.Write) change.Event {
	at := t.Index(t.Key)
	least, greatest := rows[0][at], rows[0][at]
	for _, row := range rows {
		if rowquery.Compare(row[at], least) < 0 {
			least = row[at]
		}
		if rowquery.Compare(row[at], greatest) > 0 {
			greatest = row[at]
		}
	}
	note := change.Event{Table: t.Name, Key: rowquery.KeyText(least), Op: change.Insert, At: w.Now}
	if len(rows) > 1 {
		note.Last = rowquery.KeyText(greatest)
	}
	return note
}
