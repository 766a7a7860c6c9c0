package varve

import (
	"context"
	"io"

	"github.com/varvedb/varve/blob"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/lake"
	"github.com/varvedb/varve/query"
	"github.com/varvedb/varve/state"
	"github.com/varvedb/varve/todo"
)

// Todo is the to-do list, in a versioned table.
func (db *DB) Todo() *todo.Service { return db.todo }

// Lake is the room of files with versions. Without a data folder it has no
// place for large ones.
func (db *DB) Lake() *lake.Service { return db.lake }

// Todo is the to-do list inside the transaction.
func (tx *Tx) Todo() *todo.Service { return tx.todo }

// Query is the databackend: tables of the user's own, and what may be read of
// the other rooms.
func (db *DB) Query() *query.Service { return db.query }

// Execute answers a question about tables, or changes them; see
// [query.Service.Execute].
func (db *DB) Execute(ctx context.Context, q query.Question) (*query.Result, error) {
	return db.query.Execute(ctx, q)
}

// Query is the databackend inside the transaction.
func (tx *Tx) Query() *query.Service { return tx.query }

// Execute answers a question inside the transaction.
func (tx *Tx) Execute(ctx context.Context, q query.Question) (*query.Result, error) {
	return tx.query.Execute(ctx, q)
}

func (db *DB) openLake(secret []byte) *lake.Service {
	o := lake.Options{Secret: secret, Update: func(ctx context.Context, fn func(context.Context, state.Database) error) error {
		return db.Update(ctx, func(ctx context.Context, tx *Tx) error { return fn(ctx, tx) })
	}}
	if db.files != nil {
		o.Bucket = lakeBucket{db.files}
	}
	return lake.New(db.state, o)
}

// lakeBucket is the place of elements' bytes as the lake uses it.
type lakeBucket struct{ files *blob.Bucket }

// Write implements lake.Bucket.
func (b lakeBucket) Write(ctx context.Context, key string, r io.Reader) (int64, error) {
	return b.files.Write(ctx, key, r, "application/octet-stream")
}

// Open implements lake.Bucket.
func (b lakeBucket) Open(ctx context.Context, key string) (io.ReadSeekCloser, error) {
	c, err := b.files.Open(ctx, key)
	if err != nil {
		return nil, err
	}
	body, ok := c.Body.(io.ReadSeekCloser)
	if !ok {
		c.Body.Close()
		return nil, errs.New(errs.Internal, "the bucket's bytes cannot be read from the middle")
	}
	return body, nil
}

// Delete implements lake.Bucket.
func (b lakeBucket) Delete(ctx context.Context, key string) error { return b.files.Delete(ctx, key) }
