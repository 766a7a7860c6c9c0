package lake_test

import (
	"bytes"
	"context"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/lake"
	"github.com/varvedb/varve/state"
)

func anyRangeIsRead(t *testing.T, b *bench) {
	raw := noise(2*lake.Piece + 1234)
	if _, err := b.Put(t.Context(), file("f"), bytes.NewReader(raw)); err != nil {
		t.Fatal(err)
	}
	r, err := b.Open(t.Context(), lake.At("f"))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for _, at := range []struct{ from, n int }{
		{0, 10}, {lake.Piece - 5, 10}, {2 * lake.Piece, 1234}, {5, 2 * lake.Piece}, {len(raw) - 1, 1}, {0, len(raw)}, {lake.Piece, lake.Piece},
	} {
		if _, err := r.Seek(int64(at.from), io.SeekStart); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, at.n)
		if _, err := io.ReadFull(r, got); err != nil || !bytes.Equal(got, raw[at.from:at.from+at.n]) {
			t.Errorf("%d bytes from %d: %v", at.n, at.from, err)
		}
	}
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	if err := iotest.TestReader(r, raw); err != nil {
		t.Error(err)
	}
	_, err = r.Seek(-1, io.SeekStart)
	kind(t, err, errs.Invalid)
}

// flip changes one bit of a copy.
func flip(raw []byte, at int) []byte {
	raw = bytes.Clone(raw)
	raw[at] ^= 1
	return raw
}

func aFlippedBitInTheBucketIsNeverReturned(t *testing.T, b *bench) {
	raw := noise(2*lake.Piece + 1234)
	if _, err := b.Put(t.Context(), file("f"), bytes.NewReader(raw)); err != nil {
		t.Fatal(err)
	}
	var key string
	for key = range b.bucket.objects {
	}
	damages := map[string][]byte{"empty": nil, "short": raw[:len(raw)-1], "shorter": raw[:lake.Piece]}
	for _, at := range []int{0, lake.Piece - 1, lake.Piece, 2*lake.Piece - 1, 2 * lake.Piece, len(raw) - 1} {
		damages["flipped"] = flip(raw, at)
		for name, damaged := range damages {
			b.bucket.objects[key] = damaged
			r, err := b.Open(t.Context(), lake.At("f"))
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(r)
			if errs.KindOf(err) != errs.Internal {
				t.Fatalf("%s at %d: %v", name, at, err)
			}
			if !bytes.HasPrefix(raw, got) {
				t.Fatalf("%s at %d: damaged bytes left", name, at)
			}
		}
	}
	// What is not damaged can be read.
	b.bucket.objects[key] = flip(raw, 0)
	r, err := b.Open(t.Context(), lake.At("f"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Seek(lake.Piece, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, raw[lake.Piece:]) {
		t.Fatalf("behind the damage: %d bytes, %v", len(got), err)
	}
	delete(b.bucket.objects, key)
	_, err = b.Open(t.Context(), lake.At("f"))
	kind(t, err, errs.Internal)
}

func aFlippedBitInARowIsNeverReturned(t *testing.T, b *bench) {
	ctx := t.Context()
	small := put(t, b.Service, "small", "hello world").Value
	large, err := b.Put(ctx, file("large"), bytes.NewReader(noise(2*lake.Piece)))
	if err != nil {
		t.Fatal(err)
	}
	contents, err := b.tables.Open(ctx, lake.ContentTable)
	if err != nil {
		t.Fatal(err)
	}
	kept, err := contents.Latest(ctx, large.Value.Hash)
	if err != nil {
		t.Fatal(err)
	}
	for name, damage := range map[string]state.Row{
		"data":   {"hash": small.Hash, "data": flip([]byte("hello world"), 3)},
		"empty":  {"hash": small.Hash, "data": []byte{}},
		"size":   {"hash": small.Hash, "data": []byte("hello world"), "size": 10},
		"zero":   {"hash": small.Hash, "data": []byte("hello world"), "size": 0},
		"pieces": {"hash": large.Value.Hash, "pieces": flip(kept.Row["pieces"].([]byte), 40)},
		"fewer":  {"hash": large.Value.Hash, "pieces": kept.Row["pieces"].([]byte)[:32]},
	} {
		if _, err := contents.Update(ctx, damage); err != nil {
			t.Fatal(err)
		}
		full := map[bool]string{true: "small", false: "large"}[damage["hash"] == small.Hash]
		r, err := b.Open(ctx, lake.At(full))
		if err == nil {
			_, err = io.ReadAll(r)
		}
		if errs.KindOf(err) != errs.Internal {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Whoever has the bytes mends it by putting them once more.
	put(t, b.Service, "again", "hello world")
	if got := content(t, b.Service, lake.At("small")); got != "hello world" {
		t.Fatalf("got %q", got)
	}
}

// endless is so many bytes, that can be read twice, in no memory.
type endless struct{ at, size int64 }

func (e *endless) Read(p []byte) (int, error) {
	n := int(min(int64(len(p)), e.size-e.at))
	for i := range p[:n] {
		p[i] = byte((e.at + int64(i)) >> 12)
	}
	if e.at += int64(n); n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

func (e *endless) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += e.at
	case io.SeekEnd:
		offset += e.size
	}
	e.at = offset
	return offset, nil
}

// hole is a bucket for one object that is not kept, since it can be made again.
type hole struct {
	bucket
	size int64
}

func (h *hole) Write(_ context.Context, _ string, r io.Reader) (int64, error) {
	return io.Copy(struct{ io.Writer }{io.Discard}, r)
}

func (h *hole) Open(context.Context, string) (io.ReadSeekCloser, error) {
	return struct {
		io.ReadSeeker
		io.Closer
	}{&endless{size: h.size}, io.NopCloser(nil)}, nil
}

func aFileOfAnySizeTakesTheMemoryOfOnePiece(t *testing.T, b *bench) {
	const size = 20 << 20
	l := lake.New(b.tables, lake.Options{Bucket: &hole{size: size}})
	put(t, l, "first", "opens the tables")
	var before, between, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := l.Put(t.Context(), file("f"), &endless{size: size}); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&between)
	r, err := l.Open(t.Context(), lake.At("f"))
	if err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(struct{ io.Writer }{io.Discard}, r); n != size || err != nil {
		t.Fatalf("%d bytes, %v", n, err)
	}
	runtime.ReadMemStats(&after)
	put, got := between.TotalAlloc-before.TotalAlloc, after.TotalAlloc-between.TotalAlloc
	if put > 4<<20 || got > 4<<20 {
		t.Fatalf("put allocated %d bytes and reading %d, of a file with %d", put, got, size)
	}
	t.Logf("put allocated %d bytes and reading %d, of a file with %d", put, got, size)
}

func anEmptyReaderIsAnEmptyFile(t *testing.T, b *bench) {
	if _, err := b.Put(t.Context(), file("f"), strings.NewReader("")); err != nil {
		t.Fatal(err)
	}
	if got := content(t, b.Service, lake.At("f")); got != "" {
		t.Fatalf("got %q", got)
	}
}
