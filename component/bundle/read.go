package bundle

import (
	"archive/zip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/varvedb/varve/artifact"
	"github.com/varvedb/varve/component"
	"github.com/varvedb/varve/errs"
)

// Bundle is an export that was read and found whole.
type Bundle struct {
	Manifest Manifest
	Digest   artifact.Digest // of the manifest: see [Told]

	list   []component.Component
	files  fs.FS
	closes []io.Closer
}

// Is tells whether a path looks like an export's: a ZIP file by its name, or a
// folder with a manifest.
func Is(path string) bool {
	if info, err := os.Stat(path); err != nil || !info.IsDir() {
		return err == nil && strings.HasSuffix(strings.ToLower(path), Extension)
	}
	_, err := os.Lstat(filepath.Join(path, ManifestName))
	return err == nil
}

// Read opens an export, and reads all of it once: every file is where it
// belongs, none is missing and none is too many, each has the size and the
// digest that the manifest says, and each artifact that the components name is
// there. Anything else is errs.Invalid, and nothing has been stored yet.
// errs.NotFound: there is no such path.
func Read(ctx context.Context, path string) (*Bundle, error) {
	b := &Bundle{}
	err := b.open(path)
	var sizes map[string]int64
	if err == nil {
		sizes, err = b.walk()
	}
	if err == nil {
		err = b.verify(ctx, sizes)
	}
	if err != nil {
		b.Close()
		return nil, about(path, err)
	}
	return b, nil
}

// about says which export an error is about.
func about(path string, err error) error {
	var known *errs.Error
	if !errors.As(err, &known) {
		return err
	}
	moved := *known
	moved.Detail += " (in " + path + ")"
	return &moved
}

// Close gives back what reading needs.
func (b *Bundle) Close() error {
	var err error
	for _, c := range b.closes {
		err = errors.Join(err, c.Close())
	}
	return err
}

// Components are what is to be applied, each behind those inside it. A plan of
// them needs nothing else; before they are applied, [Bundle.Store] brings their
// artifacts.
func (b *Bundle) Components() []component.Component { return b.list }

// verify reads everything.
func (b *Bundle) verify(ctx context.Context, sizes map[string]int64) error {
	size, ok := sizes[ManifestName]
	if !ok {
		return errs.New(errs.Invalid, "there is no %s", ManifestName)
	}
	if size > maxText {
		return errs.New(errs.TooLarge, "%s is far too large", ManifestName)
	}
	text, err := b.text(ManifestName, size)
	if err != nil {
		return err
	}
	b.Digest = sum(text)
	if b.Manifest, err = parseManifest(text); err != nil {
		return err
	}
	delete(sizes, ManifestName)
	for _, f := range b.Manifest.Files {
		if size, ok := sizes[f.Path]; !ok || size != f.Size {
			return errs.New(errs.Invalid, "%q is missing, or not as large as %s says", f.Path, ManifestName)
		}
		delete(sizes, f.Path)
	}
	for _, path := range slices.Sorted(maps.Keys(sizes)) {
		return errs.New(errs.Invalid, "%q is there, and %s does not name it", path, ManifestName)
	}
	for _, f := range b.Manifest.Files {
		if err := b.verifyFile(ctx, f); err != nil {
			return err
		}
	}
	return b.checkBlobs()
}

func (b *Bundle) verifyFile(ctx context.Context, f artifact.File) error {
	if f.Path == ComponentName {
		text, err := b.text(f.Path, f.Size)
		if err != nil {
			return err
		}
		if sum(text) != f.Digest {
			return changed(f.Path)
		}
		return b.decode(text)
	}
	r, err := b.files.Open(f.Path)
	if err != nil {
		return unread(err)
	}
	defer r.Close()
	digest := sha256.New()
	n, err := io.CopyBuffer(digest, during(ctx, io.LimitReader(r, f.Size+1)), make([]byte, 256<<10))
	if err != nil {
		return unread(err)
	}
	if n != f.Size || artifact.Digest(hex.EncodeToString(digest.Sum(nil))) != f.Digest {
		return changed(f.Path)
	}
	return nil
}

func changed(path string) error {
	return errs.New(errs.Invalid, "%q is not what was exported: its bytes are others than %s says", path, ManifestName)
}

// text reads a small file whole.
func (b *Bundle) text(path string, size int64) ([]byte, error) {
	r, err := b.files.Open(path)
	if err != nil {
		return nil, unread(err)
	}
	defer r.Close()
	text := make([]byte, size+1) // which says whether there is more
	n, err := io.ReadFull(r, text)
	ended := errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF)
	if err == nil || ended && int64(n) != size {
		return nil, changed(path)
	}
	if !ended {
		return nil, unread(err)
	}
	return text[:n], nil
}

func (b *Bundle) decode(text []byte) (err error) {
	if b.list, err = component.DecodeAll(text); err != nil {
		return err
	}
	if len(b.list) == 0 || text[0] != '[' {
		return errs.New(errs.Invalid, "%s is no list of declarations", ComponentName)
	}
	for _, c := range b.list {
		component.Attach(c, b)
	}
	return nil
}

// checkBlobs holds the artifacts that components name against those that are
// there.
func (b *Bundle) checkBlobs() error {
	named := map[artifact.Digest]bool{}
	for _, c := range b.list {
		for _, d := range component.Blobs(c) {
			named[artifact.Digest(d)] = true
		}
	}
	for _, a := range b.Manifest.Artifacts {
		if !named[a.Digest] {
			return errs.New(errs.Invalid, "no component names the artifact %s, which is there", a.Digest)
		}
		delete(named, a.Digest)
	}
	for _, d := range slices.Sorted(maps.Keys(named)) {
		return errs.New(errs.Invalid, "the artifact %s is missing, which a component names", d)
	}
	return nil
}

// unread says where an error of reading comes from, and leaves those that say
// it already.
func unread(err error) error {
	var known *errs.Error
	switch {
	case err == nil, errors.As(err, &known), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, zip.ErrChecksum), errors.Is(err, zip.ErrFormat), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return errs.Wrap(errs.Invalid, err, "is damaged")
	}
	return errs.Wrap(errs.Unavailable, err, "cannot be read")
}
