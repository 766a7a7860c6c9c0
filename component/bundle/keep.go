package bundle

import (
	"archive/zip"
	"context"
	"errors"
	"io/fs"

	"github.com/varvedb/varve/artifact"
	"github.com/varvedb/varve/errs"
)

// Open reads an artifact that is a file, and verifies it, as a component's Bytes
// do. errs.NotFound: there is none of that digest.
func (b *Bundle) Open(_ context.Context, d artifact.Digest) (*artifact.Reader, error) {
	for _, a := range b.Manifest.Artifacts {
		if a.Digest != d || a.MediaType == artifact.FolderType {
			continue
		}
		f, err := b.files.Open(blobs + string(d))
		if err != nil {
			return nil, unread(err)
		}
		return artifact.NewReader(a, f), nil
	}
	return nil, errs.Field(errs.NotFound, "digest", "there is no file %s in the export", d)
}

// Store keeps the artifacts of the export, so that its components can be
// applied; what is there already is not read again. If they are not applied, a
// sweep takes them away. A file that was changed since [Read] is errs.Invalid.
func (b *Bundle) Store(ctx context.Context, to artifact.API) error {
	for _, a := range b.Manifest.Artifacts {
		err := to.Keep(ctx, a.Digest)
		if errors.Is(err, errs.NotFound) {
			err = b.store(ctx, to, a)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (b *Bundle) store(ctx context.Context, to artifact.API, a artifact.Info) error {
	if a.MediaType != artifact.FolderType {
		r, err := b.files.Open(blobs + string(a.Digest))
		if err != nil {
			return unread(err)
		}
		defer r.Close()
		_, err = to.PutAs(ctx, a.Digest, r, a.MediaType)
		return err
	}
	within, err := fs.Sub(b.files, folders+string(a.Digest))
	if err != nil {
		return unread(err)
	}
	if _, err := fs.Stat(within, "."); errors.Is(err, fs.ErrNotExist) {
		within = &zip.Reader{} // a folder without files
	}
	info, err := to.PutFolder(ctx, within)
	if err == nil && info.Digest != a.Digest {
		err = changed(folders + string(a.Digest))
	}
	return err
}
