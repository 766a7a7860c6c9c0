package lake

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"time"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/state"
)

// content is bytes under their hash. It is nobody's: what two users have alike
// is kept once.
type content struct {
	Hash   string  `state:"hash,key"`
	Size   int64   `state:"size"`
	Data   []byte  `state:"data"`   // of at most Inline; else NULL, and
	Place  *string `state:"place"`  // the key in the bucket
	Pieces []byte  `state:"pieces"` // of what is in the bucket: see digest
}

// Grace is how long bytes that no file has are kept: longer than it takes from
// keeping them to writing the file that has them.
const Grace = time.Hour

// keep makes sure that the bytes of r are kept, and are safe from [Service.Sweep]
// until a file that has them is written.
func (s *Service) keep(ctx context.Context, r io.Reader) (size int64, hash string, err error) {
	again, start := seekable(r)
	head, err := io.ReadAll(io.LimitReader(r, Inline+1))
	if err != nil {
		return 0, "", unread(err)
	}
	if len(head) <= Inline {
		sum := sha256.Sum256(head)
		c := content{Hash: hex.EncodeToString(sum[:]), Size: int64(len(head)), Data: head}
		return c.Size, c.Hash, s.keepSmall(ctx, c)
	}
	if s.opt.Bucket == nil {
		return 0, "", errs.Field(errs.TooLarge, "data", "has more than %d bytes, and there is no bucket for such; open the database with a data folder", Inline)
	}
	if again == nil {
		spool, err := s.spool(io.MultiReader(bytes.NewReader(head), r))
		if err != nil {
			return 0, "", err
		}
		defer func() { spool.Close(); os.Remove(spool.Name()) }()
		again, start = spool, 0
	}
	return s.keepLarge(ctx, again, start)
}

// seekable tells where a reader stands, if it can be brought back there.
func seekable(r io.Reader) (io.ReadSeeker, int64) {
	if seeker, ok := r.(io.ReadSeeker); ok {
		if at, err := seeker.Seek(0, io.SeekCurrent); err == nil {
			return seeker, at
		}
	}
	return nil, 0
}

// spool writes what can be read once into a file that can be read twice.
func (s *Service) spool(r io.Reader) (*os.File, error) {
	f, err := os.CreateTemp(s.opt.Temp, "varve-lake-")
	if err != nil {
		return nil, errs.Wrap(errs.Unavailable, err, "there is no place for a file of many bytes while it is hashed; give one with TMPDIR")
	}
	if _, err := io.Copy(f, r); err != nil {
		f.Close()
		os.Remove(f.Name())
		return nil, unread(err)
	}
	return f, nil
}

func (s *Service) keepSmall(ctx context.Context, c content) error {
	have, err := s.contents.Latest(ctx, c.Hash)
	switch {
	case errors.Is(err, errs.NotFound):
		_, err = s.contents.Append(ctx, c)
	case err == nil && (s.old(have) || have.Value.Size != c.Size || !bytes.Equal(have.Value.Data, c.Data)): // damaged: now it is not
		_, err = s.contents.Put(ctx, c)
	}
	if errors.Is(err, errs.Exists) { // somebody keeps the same at the same time
		return nil
	}
	return err
}

// old tells whether bytes are so old that a sweep might take them before a
// file has them.
func (s *Service) old(c state.RecordOf[content]) bool {
	return s.opt.Now().Sub(c.At) > Grace/2
}

// keepLarge hashes bytes from start on and, where they are not kept yet, writes
// them to the bucket. They are in memory a piece at a time.
func (s *Service) keepLarge(ctx context.Context, r io.ReadSeeker, start int64) (int64, string, error) {
	if _, err := r.Seek(start, io.SeekStart); err != nil {
		return 0, "", unread(err)
	}
	d, err := digestOf(r)
	if err != nil {
		return 0, "", unread(err)
	}
	have, err := s.contents.Latest(ctx, d.hash)
	if err == nil && s.old(have) {
		_, err = s.contents.Put(ctx, have.Value) // a sweep that is about to take it finds another version
	}
	if err == nil || !errors.Is(err, errs.NotFound) {
		return d.size, d.hash, err
	}
	if _, err := r.Seek(start, io.SeekStart); err != nil {
		return 0, "", unread(err)
	}
	return d.size, d.hash, s.upload(ctx, d, r)
}

// upload writes to the bucket and then says so. The key is made from the hash,
// and from chance: a sweep that removes the same bytes, kept before and by
// nobody now, removes them from elsewhere. A note under the key itself is what a
// sweep finds if this process does not come to the end of it.
func (s *Service) upload(ctx context.Context, d digest, r io.Reader) error {
	key := "varve_lake/" + d.hash + "-" + rand.Text()[:8]
	if _, err := s.contents.Append(ctx, content{Hash: key, Place: &key}); err != nil {
		return err
	}
	whole := sha256.New()
	_, err := s.opt.Bucket.Write(ctx, key, io.TeeReader(r, whole))
	if err == nil && hex.EncodeToString(whole.Sum(nil)) != d.hash {
		err = errs.New(errs.Conflict, "the file changed while it was read; try again")
	}
	if err == nil {
		err = s.uploaded(ctx, key, d)
	}
	if err == nil {
		return nil
	}
	ctx = context.WithoutCancel(ctx)
	gone := s.opt.Bucket.Delete(ctx, key)
	if gone == nil {
		_, gone = s.contents.Delete(ctx, key)
	}
	if errors.Is(err, errs.Exists) { // somebody kept the same at the same time
		return gone
	}
	return err
}

// uploaded replaces the note by the content, both or neither.
func (s *Service) uploaded(ctx context.Context, key string, d digest) error {
	rows, err := s.contents.Rows(ctx)
	if err != nil {
		return err
	}
	_, err = rows.Write(ctx,
		state.Change{Op: state.OpAppend, Row: state.Row{"hash": d.hash, "size": d.size, "place": key, "pieces": d.pieces}},
		state.Change{Op: state.OpDelete, Key: []any{key}})
	return err
}

func unread(err error) error {
	return errs.Wrap(errs.Unavailable, err, "the bytes could not be read to their end")
}

// Open opens the newest bytes of a file for reading. errs.NotFound when there
// is none.
func (s *Service) Open(ctx context.Context, n Name) (*Reader, error) {
	f, err := s.Get(ctx, n)
	if err != nil {
		return nil, err
	}
	return s.Read(ctx, f)
}

// Read opens the bytes of a version of a file. errs.Internal: they are damaged.
func (s *Service) Read(ctx context.Context, f Record) (*Reader, error) {
	kept, err := s.contents.Latest(ctx, f.Value.Hash)
	if errors.Is(err, errs.NotFound) {
		return nil, errs.New(errs.Internal, "the bytes of this version are not there any more; restore them from a backup")
	}
	if err != nil {
		return nil, err
	}
	c := kept.Value
	d := digest{c.Size, c.Hash, c.Pieces}
	if c.Size <= Piece {
		if d.pieces, err = hex.DecodeString(c.Hash); err != nil {
			return nil, errDamaged
		}
	}
	if pieces := max(1, (c.Size+Piece-1)/Piece); c.Size != f.Value.Size || int64(len(d.pieces)) != pieces*sha256.Size {
		return nil, errDamaged
	}
	if c.Place == nil {
		return newReader(d, inMemory{bytes.NewReader(c.Data)}), nil
	}
	if s.opt.Bucket == nil {
		return nil, errs.New(errs.Unavailable, "the bytes of this file lie in a bucket, and none is open; name the data folder")
	}
	body, err := s.opt.Bucket.Open(ctx, *c.Place)
	if errors.Is(err, errs.NotFound) {
		return nil, errs.Wrap(errs.Internal, err, "the bytes of this version are missing in the bucket; restore them from a backup")
	}
	if err != nil {
		return nil, err
	}
	return newReader(d, body), nil
}

type inMemory struct{ *bytes.Reader }

func (inMemory) Close() error { return nil }
