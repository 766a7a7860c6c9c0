package state

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/internal/datum"
)

// Checked returns the store of the service with all of the service's checks
// before it, and bound to its acting user: what a server hands to callers that
// it does not trust to have made them. A [Service] of theirs on top of it does
// the rest.
func (s *Service) Checked() Store { return checked{s} }

type checked struct{ s *Service }

var _ Store = checked{}

// MaxLimit bounds what one call of a [Service.Checked] store returns.
const MaxLimit = 1000

func bounded(limit int) int { return max(1, min(limit, MaxLimit)) }

// Tables implements Store.
func (c checked) Tables(ctx context.Context) ([]Table, error) { return c.s.Tables(ctx) }

// Declare implements Store.
func (c checked) Declare(ctx context.Context, schema Schema) (Table, error) {
	r, err := c.s.Declare(ctx, schema)
	if err != nil {
		return Table{}, err
	}
	return r.Table(), nil
}

// Clear implements Store. None are all tables.
func (c checked) Clear(ctx context.Context, tables []string) error { return c.s.Clear(ctx, tables...) }

// Write implements Store.
func (c checked) Write(ctx context.Context, table string, ws []Write) ([]Version, error) {
	r, err := c.s.Open(ctx, table)
	if err != nil {
		return nil, err
	}
	t := r.Table()
	changes := make([]Change, len(ws))
	for i, w := range ws {
		changes[i] = Change{Op: w.Op, Row: w.Values, Whole: w.Whole, If: w.Expect, Version: w.Source}
		if w.Op == OpDelete || w.Op == OpRestore {
			if changes[i].Key, err = t.keyValues(w.Key); err != nil {
				return nil, err
			}
		}
	}
	asked, err := r.asked(&t, changes)
	if err != nil {
		return nil, err
	}
	for i, w := range ws {
		if c.s.user == nil {
			asked[i].Owner = w.Owner
		}
		if w.Actor != "" {
			asked[i].Actor = w.Actor
		}
	}
	defer c.s.Nudge()
	return c.s.store.Write(ctx, t.Name, asked)
}

// keyValues is the reverse of KeyOf.
func (t *Table) keyValues(key string) ([]any, error) {
	if len(t.Schema.Key) == 1 {
		if t.Columns[t.Index(t.Schema.Key[0])].Type != Integer {
			return []any{key}, nil
		}
		n, err := strconv.ParseInt(key, 10, 64)
		if err != nil {
			return nil, errs.Field(errs.Invalid, t.Schema.Key[0], "is the key of the table %q and an integer", t.Name)
		}
		return []any{n}, nil
	}
	var values []any
	d := json.NewDecoder(strings.NewReader(key))
	d.UseNumber()
	if err := d.Decode(&values); err != nil || len(values) != len(t.Schema.Key) {
		return nil, errs.Field(errs.Invalid, "key", "of the table %q is a JSON list of (%s)", t.Name, strings.Join(t.Schema.Key, ", "))
	}
	return values, nil
}

// open finds the table that a caller means, as it is now.
func (c checked) open(ctx context.Context, t *Table, key string) (*Table, error) {
	if len(key) > MaxKey {
		return nil, errs.Field(errs.TooLarge, "key", "has %d bytes; a key has at most %d", len(key), MaxKey)
	}
	if datum.CheckText(key) != nil {
		return nil, errs.Field(errs.Invalid, "key", "is no text")
	}
	now, err := c.s.table(ctx, t.Name)
	return &now, err
}

// Head implements Store.
func (c checked) Head(ctx context.Context, t *Table) (Head, error) {
	now, err := c.open(ctx, t, "")
	if err != nil {
		return Head{}, err
	}
	return c.s.store.Head(ctx, now)
}

// Get implements Store.
func (c checked) Get(ctx context.Context, t *Table, key string, at int64) (Version, error) {
	now, err := c.open(ctx, t, key)
	if err != nil {
		return Version{}, err
	}
	v, err := c.s.store.Get(ctx, now, key, at)
	if err == nil && !c.s.mine(now, v) {
		return Version{}, errNoRow
	}
	return v, err
}

// Scan implements Store.
func (c checked) Scan(ctx context.Context, t *Table, q Scan) ([]Version, error) {
	now, err := c.open(ctx, t, "")
	if err != nil {
		return nil, err
	}
	if q.Where, err = now.conditions(q.Where); err != nil {
		return nil, err
	}
	if q.Order, err = now.order(q.Order); err != nil {
		return nil, err
	}
	if q.After, err = now.checkPlace(q.Order, q.After); err != nil {
		return nil, err
	}
	for _, cond := range q.Where {
		if cond.never() {
			return nil, nil
		}
	}
	q.Where, q.Limit = append(q.Where, c.s.own(now)...), bounded(q.Limit)
	return c.s.store.Scan(ctx, now, q)
}

// checkPlace brings the place of a row in an order into the types of the port.
func (t *Table) checkPlace(order []Order, after []any) ([]any, error) {
	if after == nil {
		return nil, nil
	}
	if len(after) != len(order)+1 {
		return nil, errs.Field(errs.Invalid, "after", "has %d values; the order has %d terms, and last comes the entity", len(after), len(order))
	}
	out := make([]any, len(after))
	for i, v := range after {
		typ := Integer
		if i < len(order) {
			typ = t.orderType(order[i])
		}
		var err error
		if out[i], err = (Column{Name: "after", Type: typ}).value(v); err != nil {
			return nil, err
		}
	}
	if out[len(order)] == nil {
		return nil, errs.Field(errs.Invalid, "after", "has no entity at its end")
	}
	return out, nil
}

// History implements Store.
func (c checked) History(ctx context.Context, t *Table, key string, before int64, limit int) ([]Version, error) {
	now, err := c.open(ctx, t, key)
	if err != nil {
		return nil, err
	}
	if c.s.user != nil {
		newest, err := c.s.store.Get(ctx, now, key, 0)
		if errs.KindOf(err) == errs.NotFound || err == nil && !c.s.mine(now, newest) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
	}
	return c.s.history(ctx, now, key, before, bounded(limit))
}

// Log implements Store. An acting user is shown versions that are the user's.
func (c checked) Log(ctx context.Context, t *Table, after int64, limit int) ([]Version, error) {
	now, err := c.open(ctx, t, "")
	if err != nil {
		return nil, err
	}
	for {
		versions, err := c.s.store.Log(ctx, now, after, bounded(limit))
		if err != nil || len(versions) == 0 {
			return nil, err
		}
		var mine []Version
		for _, v := range versions {
			if c.s.mine(now, v) {
				mine = append(mine, v)
			}
		}
		if len(mine) > 0 {
			return mine, nil
		}
		after = versions[len(versions)-1].Seq // none of them: an empty answer would say that there is nothing more
	}
}

// Position implements Store.
func (c checked) Position(ctx context.Context, t *Table, at time.Time) (int64, error) {
	now, err := c.open(ctx, t, "")
	if err != nil {
		return 0, err
	}
	return c.s.store.Position(ctx, now, at)
}

// Compact implements Store.
func (c checked) Compact(ctx context.Context, t *Table, horizon, keep int64) (int64, error) {
	if c.s.user != nil {
		return 0, errs.New(errs.Forbidden, "only a caller that acts for no user may compact a table")
	}
	if keep < 0 {
		return 0, errs.Field(errs.Invalid, "keep", "must not be negative")
	}
	now, err := c.open(ctx, t, "")
	if err != nil {
		return 0, err
	}
	return c.s.store.Compact(ctx, now, horizon, keep)
}
