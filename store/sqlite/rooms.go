package sqlite

import (
	"context"

	"github.com/varvedb/varve/chat"
)

// rooms serves the port of conversations, on the outer handle or inside an
// Update.
type rooms struct {
	store *Store
	at    access
	// schema finds out about the tables; within a transaction it sees what
	// the transaction made.
	schema func(context.Context) (*schema, error)
}

var (
	_ chat.Store  = rooms{}
	_ chat.Peeker = rooms{}
)

// Chat implements store.Tx. The first call of one of its methods makes
// Chainlit's tables where there are none.
func (s *Store) Chat() chat.Store { return rooms{s, s, s.schema} }

// Chat implements store.Tx.
func (t *tx) Chat() chat.Store { return rooms{t.store, t, t.schema} }

// schema is the store's; in the first use of all it is of this transaction
// alone, since that may yet be undone.
func (t *tx) schema(context.Context) (*schema, error) {
	if t.found == nil {
		t.found = t.store.chat.Load()
	}
	if t.found == nil {
		err := t.write(context.Background(), func(c *conn) (err error) {
			t.found, err = t.store.findOut(c)
			return err
		})
		if err != nil {
			t.found = nil
			return nil, err
		}
	}
	return t.found, nil
}

// Features implements chat.Store. They are none while the tables cannot be
// read.
func (r rooms) Features() chat.Features {
	p, err := r.schema(context.Background())
	if err != nil {
		r.store.opt.Log.Error("conversations cannot be served", "path", r.store.path, "err", err)
		return chat.Features{}
	}
	return p.features()
}

// Peek implements chat.Peeker.
func (r rooms) Peek(ctx context.Context) error {
	if r.store.chat.Load() != nil {
		return nil
	}
	return r.at.read(ctx, func(c *conn) error {
		found, err := c.chainlit()
		if err == nil && len(found) == 0 {
			err = chat.ErrUnmade
		}
		if err == nil {
			_, err = c.look(false)
		}
		return err
	})
}

// read runs fn on a connection that reads.
func (r rooms) read(ctx context.Context, fn func(*conn, *schema) error) error {
	p, err := r.schema(ctx)
	if err != nil {
		return err
	}
	return r.at.read(ctx, func(c *conn) error { return fn(c, p) })
}

// write prepares a write and runs it on the writer. prepare does what needs no
// database, so that the writer does little; it is done again when the tables
// changed meanwhile.
func (r rooms) write(ctx context.Context, prepare func(*schema) (func(*conn) error, error)) error {
	p, err := r.schema(ctx)
	if err != nil {
		return err
	}
	do, err := prepare(p)
	if err != nil {
		return err
	}
	return r.at.write(ctx, func(c *conn) error {
		if now := r.store.chat.Load(); now != nil && now != p {
			if do, err = prepare(now); err != nil {
				return err
			}
		}
		return do(c)
	})
}
