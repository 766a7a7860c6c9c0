package sqlite

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"time"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/store/internal/sqlcore"
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
		if err := c.exec(`DELETE FROM varve_meta WHERE key=?`, uploadKey(key)); err != nil {
			return err
		}
	}
	return nil
}

// uploads is the beginning of the keys in varve_meta under which keys of bytes
// stand that are about to be written. What follows is a hash, since keys may be
// long; the value is the time in milliseconds, a space and the key.
const uploads = "upload."

func uploadKey(key string) string {
	sum := sha256.Sum256([]byte(key))
	return uploads + hex.EncodeToString(sum[:])
}

// Expect implements chat.Orphans.
func (r rooms) Expect(ctx context.Context, key string, w chat.Write) error {
	p, err := r.schema(ctx)
	if err != nil || !p.tracked { // what is only in memory ends with what it is about
		return err
	}
	return r.at.write(ctx, func(c *conn) error {
		return c.setMeta(uploadKey(key), strconv.FormatInt(w.Now.UnixMilli(), 10)+" "+key)
	})
}

// late are the keys of bytes that were expected a long time ago, oldest first.
func (c *conn) late(now time.Time, limit int) (keys []string, err error) {
	err = c.query(`SELECT substr(value,instr(value,' ')+1) FROM varve_meta WHERE key>=?1 AND key<?2 AND CAST(substr(value,1,instr(value,' ')-1) AS INTEGER)<=?3`+
		` AND NOT EXISTS (SELECT 1 FROM elements e WHERE e."objectKey"=substr(value,instr(value,' ')+1)) ORDER BY CAST(substr(value,1,instr(value,' ')-1) AS INTEGER),key LIMIT ?4`, func(r sqlcore.Row) error {
		key, _ := r.Text(0)
		keys = append(keys, key)
		return nil
	}, uploads, uploads+"g", now.Add(-chat.UploadGrace).UnixMilli(), limit)
	return keys, err
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
func (r rooms) Orphans(ctx context.Context, now time.Time, limit int) (keys []string, err error) {
	err = r.read(ctx, func(c *conn, p *schema) error {
		if !p.tracked {
			f := &r.store.memory
			f.mu.Lock()
			defer f.mu.Unlock()
			keys = slices.Clone(f.orphans[:min(limit, len(f.orphans))])
			return nil
		}
		keys, err = c.column(`SELECT key FROM varve_orphan ORDER BY position LIMIT ?`, limit)
		if err != nil || len(keys) == limit {
			return err
		}
		late, err := c.late(now, limit-len(keys))
		for _, key := range late {
			if !slices.Contains(keys, key) {
				keys = append(keys, key)
			}
		}
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
