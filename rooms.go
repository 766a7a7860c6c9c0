package varve

import (
	"context"
	"io"

	"github.com/varvedb/varve/blob"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/lake"
	"github.com/varvedb/varve/todo"
)

// Todo is the to-do list, in a versioned table.
func (db *DB) Todo() *todo.Service { return db.todo }

// Lake is the room of files with versions. Without a data folder it has no
// place for large ones.
func (db *DB) Lake() *lake.Service { return db.lake }

// Todo is the to-do list inside the transaction.
func (tx *Tx) Todo() *todo.Service { return tx.todo }

func (db *DB) openLake(secret []byte) *lake.Service {
	o := lake.Options{Secret: secret}
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
