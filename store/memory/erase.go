package memory

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/varvedb/varve/change"
	"github.com/varvedb/varve/chat"
)

// Expect implements chat.Orphans.
func (r rooms) Expect(ctx context.Context, key string, w chat.Write) error {
	return r.at.write(ctx, func(d *data) error {
		put(d, d.expected, key, w.Now)
		return nil
	})
}

// Orphans implements chat.Orphans.
func (r rooms) Orphans(ctx context.Context, now time.Time, limit int) (keys []string, err error) {
	err = r.at.read(ctx, func(d *data) error {
		keys = slices.Clone(d.orphans)
		late := slices.DeleteFunc(slices.Collect(maps.Keys(d.expected)), func(key string) bool {
			return now.Before(d.expected[key].Add(chat.UploadGrace)) || slices.Contains(keys, key) || d.hasBytes(key)
		})
		slices.SortFunc(late, func(a, b string) int {
			return cmp.Or(d.expected[a].Compare(d.expected[b]), cmp.Compare(a, b))
		})
		keys = append(keys, late...)
		keys = keys[:min(limit, len(keys))]
		return nil
	})
	return keys, err
}

// Forget implements chat.Orphans.
func (r rooms) Forget(ctx context.Context, keys []string) error {
	return r.at.write(ctx, func(d *data) error {
		d.adopt(keys...)
		return nil
	})
}

func (d *data) hasBytes(key string) bool {
	for _, e := range d.elements {
		if e.value.ObjectKey == key {
			return true
		}
	}
	return false
}

// Owned implements chat.Erasing.
func (r rooms) Owned(ctx context.Context, identifier string) (ids []string, err error) {
	err = r.at.read(ctx, func(d *data) error {
		ids = d.owned(identifier)
		return nil
	})
	return ids, err
}

func (d *data) owned(identifier string) (ids []string) {
	u := d.users[identifier]
	for _, t := range d.threads {
		if t.UserIdentifier == identifier || u.ID != "" && t.UserID == u.ID {
			ids = append(ids, t.ID)
		}
	}
	slices.Sort(ids)
	return ids
}

// EraseUser implements chat.Erasing.
func (r rooms) EraseUser(ctx context.Context, identifier string, w chat.Write) (gone chat.Traces, err error) {
	err = r.at.write(ctx, func(d *data) error {
		gone = chat.Traces{}
		if len(d.owned(identifier)) > 0 {
			return chat.StillOwns()
		}
		u, ok := d.users[identifier]
		if ok {
			remove(d, d.users, identifier)
			d.note("users", u.ID, change.Delete, w.Now)
			gone.Users = 1
		}
		for id, t := range d.tombstones {
			if t.head.UserIdentifier == identifier || ok && t.head.UserID == u.ID {
				t.head.UserID, t.head.UserIdentifier = "", ""
				put(d, d.tombstones, id, t)
				gone.Tombstones++
			}
		}
		return nil
	})
	return gone, err
}

// Scrub implements store.Scrubber.
func (s *Store) Scrub(context.Context) (done, beyond []string, err error) {
	return nil, []string{"the memory of the process, and what the system wrote of it to disk"}, nil
}
