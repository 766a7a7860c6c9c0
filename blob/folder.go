package blob

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gocloud.dev/blob"
	"gocloud.dev/blob/fileblob"

	"github.com/varvedb/varve/errs"
)

// OpenFolder opens a local folder, which is made when missing, for its owner
// only. A file in it is named by the SHA-256 of its key, so that no key can
// leave the folder, be too long for the file system, or differ from another by
// case only; what a file is called and is stands in the database.
func OpenFolder(dir string, opt Options) (*Bucket, error) {
	b, err := fileblob.OpenBucket(dir, &fileblob.Options{
		CreateDir: true, DirFileMode: 0o700, Metadata: fileblob.MetadataDontWrite,
		NoTempDir: true, // a rename across file systems would fail
	})
	if err != nil {
		return nil, errs.Wrap(errs.Unavailable, err, "the folder for bytes cannot be opened")
	}
	past, err := openPast(dir, opt.Past)
	if err != nil {
		return nil, errors.Join(err, b.Close())
	}
	bucket := New(Drive{
		Bucket:  b,
		Name:    hashed,
		Written: func(name string) error { return settle(dir, name) },
		Take:    func(from, to string) error { return take(dir, from, to) },
		Delete:  func(ctx context.Context, key string) error { return erase(ctx, b, dir, hashed(key)) },
		Check:   func() error { return writable(dir) },
		Local:   true,
	}, opt)
	bucket.past = past
	return bucket, nil
}

// openPast opens those folders of the past that are there.
func openPast(dir string, folders []string) (past []*Bucket, err error) {
	here, err := os.Stat(dir)
	if err != nil {
		return nil, classify(refused(err), "open")
	}
	seen := []fs.FileInfo{here}
	for _, folder := range folders {
		i, err := os.Stat(folder)
		if err != nil || !i.IsDir() || slices.ContainsFunc(seen, func(o fs.FileInfo) bool { return os.SameFile(o, i) }) {
			continue
		}
		b, err := OpenFolder(folder, Options{})
		if err != nil {
			for _, p := range past {
				err = errors.Join(err, p.Close())
			}
			return nil, err
		}
		past, seen = append(past, b), append(seen, i)
	}
	return past, nil
}

// hashed is where a key lies: two levels, since a folder with a million files
// is slow to list and to back up.
func hashed(key string) string {
	sum := sha256.Sum256([]byte(key))
	name := hex.EncodeToString(sum[:])
	return name[:2] + "/" + name[2:]
}

// erase deletes a file, and the pieces of it that lie beside it when a process
// was killed while it wrote: NAME.NUMBER.tmp.
func erase(ctx context.Context, b *blob.Bucket, dir, name string) error {
	gone := b.Delete(ctx, name)
	path := filepath.Join(dir, filepath.FromSlash(name))
	beside, err := os.ReadDir(filepath.Dir(path))
	if errors.Is(err, fs.ErrNotExist) {
		return gone
	}
	for _, f := range beside {
		if strings.HasPrefix(f.Name(), filepath.Base(path)+".") && strings.HasSuffix(f.Name(), ".tmp") {
			if rm := os.Remove(filepath.Join(filepath.Dir(path), f.Name())); rm != nil && !errors.Is(rm, fs.ErrNotExist) {
				err = errors.Join(err, rm)
			}
		}
	}
	if err != nil {
		return err
	}
	return gone
}

// take gives a file its name. A link is never made over another.
func take(dir, from, to string) error {
	path := func(name string) string { return filepath.Join(dir, filepath.FromSlash(name)) }
	err := os.Link(path(from), path(to))
	if gone := os.Remove(path(from)); err == nil {
		err = gone
	}
	if errors.Is(err, fs.ErrExist) {
		return Taken(err)
	}
	if err != nil {
		return classify(err, "write")
	}
	return nil
}

// writable tries a file, which has the size of a message, not of a block that
// was left over.
func writable(dir string) error {
	f, err := os.CreateTemp(dir, "varve-check-*.tmp")
	if err != nil {
		return classify(refused(err), "take a file")
	}
	_, err = f.Write(make([]byte, 64<<10))
	if err := errors.Join(err, f.Close(), os.Remove(f.Name())); err != nil {
		return classify(refused(err), "take a file")
	}
	return nil
}

// refused hides that a folder is missing, which is not a missing key.
func refused(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return errors.New(err.Error())
	}
	return err
}

// settle puts a file and its folder on disk: the database will say that it is
// there, and keeps its own word over a power cut.
func settle(dir, name string) error {
	path := filepath.Join(dir, filepath.FromSlash(name))
	for _, p := range []string{path, filepath.Dir(path)} {
		f, err := os.Open(p)
		if err != nil {
			return classify(err, "write")
		}
		err = f.Sync()
		if err := errors.Join(err, f.Close()); err != nil {
			return classify(err, "write")
		}
	}
	return nil
}
