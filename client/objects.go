package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/varvedb/varve/errs"
)

// Objects are a server's bytes under object keys. They are what package lake
// keeps large files in. A call for a user has none of them, so this is for
// clients without Options.User.
type Objects struct{ c *Client }

// Objects are the server's bytes under object keys.
func (c *Client) Objects() *Objects { return &Objects{c} }

func objectPath(key string) (string, error) { return pathTo("key", "/v1/objects/", key, "") }

// Write stores what r gives under key, whole or not at all, and returns the
// number of bytes.
func (o *Objects) Write(ctx context.Context, key string, r io.Reader) (int64, error) {
	path, err := objectPath(key)
	if err != nil {
		return 0, err
	}
	body := &counted{r: r}
	err = o.c.do(ctx, request{method: http.MethodPut, path: path, stream: body, kind: "application/octet-stream"}, nil)
	if body.err != nil {
		err = errs.Wrap(errs.Invalid, body.err, "the content cannot be read")
	}
	return body.n, err
}

// counted counts what is read, and remembers why reading failed.
type counted struct {
	r   io.Reader
	n   int64
	err error
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += int64(n)
	if err != nil && err != io.EOF {
		c.err = err
	}
	return n, err
}

// Delete removes what is under a key; nothing is no error.
func (o *Objects) Delete(ctx context.Context, key string) error {
	path, err := objectPath(key)
	if err != nil {
		return err
	}
	err = o.c.do(ctx, request{method: http.MethodDelete, path: path}, nil)
	if errors.Is(err, errs.NotFound) {
		return nil
	}
	return err
}

// Open opens what is under a key; errs.NotFound when there is nothing. Seeking
// costs nothing until bytes are read, which asks for them from there on.
func (o *Objects) Open(ctx context.Context, key string) (io.ReadSeekCloser, error) {
	path, err := objectPath(key)
	if err != nil {
		return nil, err
	}
	head, err := o.c.send(ctx, request{method: http.MethodHead, path: path})
	if err != nil {
		return nil, err
	}
	drain(head.Body)
	return &object{size: head.ContentLength, ask: func(at int64) (io.ReadCloser, error) {
		answer, err := o.c.send(ctx, request{method: http.MethodGet, path: path, from: fmt.Sprintf("bytes=%d-", at)})
		if err != nil {
			return nil, err
		}
		return answer.Body, nil
	}}, nil
}

// object reads one key, for one goroutine at a time.
type object struct {
	ask  func(at int64) (io.ReadCloser, error)
	size int64
	at   int64
	body io.ReadCloser // from at on; nil after a seek
}

// Seek implements io.Seeker.
func (b *object) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += b.at
	case io.SeekEnd:
		offset += b.size
	}
	if offset < 0 {
		return 0, errs.Field(errs.Invalid, "offset", "is before the first byte")
	}
	if offset == b.at {
		return offset, nil
	}
	b.at = offset
	return offset, b.Close()
}

// Read implements io.Reader.
func (b *object) Read(p []byte) (int, error) {
	if b.at >= b.size {
		return 0, io.EOF
	}
	if b.body == nil {
		var err error
		if b.body, err = b.ask(b.at); err != nil {
			return 0, err
		}
	}
	n, err := b.body.Read(p)
	b.at += int64(n)
	if err != nil && err != io.EOF {
		err = errs.Wrap(errs.Unavailable, err, "the answer of the server ends early")
	}
	return n, err
}

// Close gives the connection up.
func (b *object) Close() error {
	if b.body == nil {
		return nil
	}
	err := b.body.Close()
	b.body = nil
	return err
}
