package artifacttest

import (
	"bytes"
	"context"
	"io"
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/varvedb/varve/artifact"
	"github.com/varvedb/varve/errs"
)

// Bucket keeps bytes in memory, and fails and harms when told to.
type Bucket struct {
	mu   sync.Mutex
	data map[string][]byte
	fail error
}

var _ artifact.Bucket = (*Bucket)(nil)

// Write implements artifact.Bucket.
func (b *Bucket) Write(_ context.Context, key string, r io.Reader) (int64, error) {
	data, err := io.ReadAll(r)
	b.mu.Lock()
	defer b.mu.Unlock()
	if err == nil {
		err = b.fail
	}
	if err != nil {
		return 0, err
	}
	if b.data == nil {
		b.data = map[string][]byte{}
	}
	b.data[key] = data
	return int64(len(data)), nil
}

// Open implements artifact.Bucket.
func (b *Bucket) Open(_ context.Context, key string) (io.ReadCloser, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	data, ok := b.data[key]
	if !ok {
		return nil, errs.New(errs.NotFound, "there is nothing under %q", key)
	}
	return io.NopCloser(bytes.NewReader(data)), nil
}

// Delete implements artifact.Bucket.
func (b *Bucket) Delete(_ context.Context, key string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.data, key)
	return nil
}

// Keys lists what is there.
func (b *Bucket) Keys() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Sorted(maps.Keys(b.data))
}

// Fail makes every write fail, or none.
func (b *Bucket) Fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fail = err
}

// Harm changes the bytes of an artifact behind its back; nil takes them away.
func (b *Bucket) Harm(t *testing.T, d artifact.Digest, index artifact.Index, harm func([]byte) []byte) {
	t.Helper()
	e, err := index.Entry(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if harm == nil {
		delete(b.data, e.Place)
		return
	}
	b.data[e.Place] = harm(bytes.Clone(b.data[e.Place]))
}
