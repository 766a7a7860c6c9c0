package varve

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/store"
)

// secret returns a secret of the database's. A database that is not Varve's
// has no place for one; then it lies in the data folder, and without a folder
// it lasts as long as the process.
func secret(ctx context.Context, st store.Store, data, name string) ([]byte, error) {
	key, err := st.Secret(ctx, name)
	if !errors.Is(err, errs.Unsupported) {
		return key, err
	}
	key = make([]byte, 32)
	rand.Read(key)
	if data == "" {
		return key, nil
	}
	if err := os.MkdirAll(data, 0o700); err != nil {
		return nil, errs.Wrap(errs.Unavailable, err, "the data folder cannot be made")
	}
	return keep(filepath.Join(data, name+".secret"), key)
}

// keep writes a secret unless there is one, and returns the one that is there.
// The file appears whole: of two processes that start at once one wins.
func keep(path string, key []byte) ([]byte, error) {
	if old, err := os.ReadFile(path); err == nil {
		return old, nil
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".secret-*") // made for its owner only
	if err != nil {
		return nil, errs.Wrap(errs.Unavailable, err, "the data folder cannot be written")
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(key)
	if err := errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return nil, errs.Wrap(errs.Unavailable, err, "the data folder cannot be written")
	}
	err = os.Link(tmp.Name(), path)
	if errors.Is(err, fs.ErrExist) {
		return os.ReadFile(path)
	}
	if err != nil {
		return nil, errs.Wrap(errs.Unavailable, err, "the data folder cannot be written")
	}
	return key, nil
}

// elementURL gives the stable address of an element's bytes, which other
// readers of the database find in its row.
func elementURL(o Options) func(threadID, elementID string) string {
	base := o.PublicURL
	if base == "" {
		base = o.Address
	}
	base = strings.TrimSuffix(base, "/")
	return func(threadID, elementID string) string {
		return base + "/v1/threads/" + url.PathEscape(threadID) + "/elements/" + url.PathEscape(elementID) + "/content"
	}
}

// fingerprint names a database by a secret of its own without telling it.
func fingerprint(secret []byte) string {
	sum := sha256.Sum256(secret)
	return hex.EncodeToString(sum[:16])
}

// receiptID names a receipt.
func receiptID() string { return strings.ToLower(rand.Text()) }
