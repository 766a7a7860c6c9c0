package blob

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"

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
	return New(Drive{
		Bucket:  b,
		Name:    hashed,
		Written: func(name string) error { return settle(dir, name) },
		Local:   true,
	}, opt), nil
}

// hashed is where a key lies: two levels, since a folder with a million files
// is slow to list and to back up.
func hashed(key string) string {
	sum := sha256.Sum256([]byte(key))
	name := hex.EncodeToString(sum[:])
	return name[:2] + "/" + name[2:]
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
