package sqlite

import (
	"context"
	"slices"
)

// orphan remembers keys of bytes to be deleted; empty ones are none, and one
// that an element still names is in use.
func (r rooms) orphan(c *conn, p *schema, keys ...string) error {
	for _, key := range keys {
		if key == "" {
			continue
		}
		if _, used, err := c.text(`SELECT 1 FROM elements WHERE "objectKey"=? LIMIT 1`, key); err != nil {
			return err
		} else if used {
			continue
		}
		if !p.tracked {
			c.after = append(c.after, func() { r.store.memory.orphan(key) })
			continue
		}
		if err := c.exec(`INSERT INTO varve_orphan (key) VALUES (?) ON CONFLICT (key) DO NOTHING`, key); err != nil {
			return err
		}
	}
	return nil
}

// adopt drops keys that are named again, or whose bytes are deleted.
func (r rooms) adopt(c *conn, p *schema, keys ...string) error {
	for _, key := range keys {
		if key == "" {
			continue
		}
		if !p.tracked {
			c.after = append(c.after, func() { r.store.memory.adopt(key) })
			continue
		}
		if err := c.exec(`DELETE FROM varve_orphan WHERE key=?`, key); err != nil {
			return err
		}
	}
	return nil
}

func (f *forgetful) orphan(key string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !slices.Contains(f.orphans, key) {
		f.orphans = append(f.orphans, key)
	}
}

func (f *forgetful) adopt(key string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.orphans = slices.DeleteFunc(f.orphans, func(k string) bool { return k == key })
}

// Orphans implements chat.Orphans.
func (r rooms) Orphans(ctx context.Context, limit int) (keys []string, err error) {
	err = r.read(ctx, func(c *conn, p *schema) error {
		if !p.tracked {
			f := &r.store.memory
			f.mu.Lock()
			defer f.mu.Unlock()
			keys = slices.Clone(f.orphans[:min(limit, len(f.orphans))])
			return nil
		}
		keys, err = c.column(`SELECT key FROM varve_orphan ORDER BY position LIMIT ?`, limit)
		return err
	})
	return keys, err
}

// Forget implements chat.Orphans.
func (r rooms) Forget(ctx context.Context, keys []string) error {
	return r.write(ctx, func(p *schema) (func(*conn) error, error) {
		return func(c *conn) error { return r.adopt(c, p, keys...) }, nil
	})
}
