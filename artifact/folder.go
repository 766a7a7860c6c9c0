package artifact

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/varvedb/varve/errs"
)

// FolderType is the media type of a folder's manifest, whose digest is the
// folder's:
//
//	{"version": 1, "files": [{"path": "a/b.bin", "size": 3, "digest": "…"}]}
//
// in the order of the bytes of paths, without white space, so that equal
// folders have equal digests. Empty folders, modes and times are not part of
// it.
const FolderType = "application/vnd.varve.folder+json"

// maxManifest is how large a manifest may be: that of a million files.
const maxManifest = 256 << 20

// File is one file of a folder.
type File struct {
	Path   string `json:"path"` // with slashes, within the folder
	Size   int64  `json:"size"`
	Digest Digest `json:"digest"`
}

type manifest struct {
	Version int    `json:"version"`
	Files   []File `json:"files"`
}

// PutFolder keeps a folder: each file under its own digest and a manifest of
// them, whose digest is returned. errs.Invalid names what is neither a file nor
// a folder, such as a symbolic link.
func (s *Store) PutFolder(ctx context.Context, folder fs.FS) (Info, error) {
	return Pack(folder, func(f io.Reader) (Info, error) { return s.Put(ctx, f, "application/octet-stream") },
		func(files []File) (Info, error) { return s.PutFiles(ctx, files) })
}

// PutFiles makes a folder of files that are kept already; their sizes need not
// be told. errs.Invalid names a file that is not there, or a path that leads
// out of the folder or stands twice.
func (s *Store) PutFiles(ctx context.Context, files []File) (Info, error) {
	files = slices.Clone(files)
	parts := make([]Digest, len(files))
	for i, f := range files {
		if _, err := ParseDigest(string(f.Digest)); err != nil {
			return Info{}, errs.Field(errs.Invalid, "files", "the entry of %q has no SHA-256 as its digest", f.Path)
		}
		info, err := s.Stat(ctx, f.Digest)
		if errors.Is(err, errs.NotFound) {
			return Info{}, errs.Field(errs.Invalid, "files", "the bytes of %q, %s, are not kept; put them first", f.Path, f.Digest)
		}
		if err != nil {
			return Info{}, err
		}
		files[i].Size, parts[i] = info.Size, f.Digest
	}
	text, err := writeManifest(files)
	if err == nil {
		_, err = ParseFolder(text)
	}
	if err != nil {
		return Info{}, err
	}
	return s.put(ctx, "", bytes.NewReader(text), FolderType, parts)
}

// writeManifest writes the manifest of files, which it puts in order.
func writeManifest(files []File) ([]byte, error) {
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	text, err := json.Marshal(manifest{Version: 1, Files: append([]File{}, files...)})
	if err != nil {
		return nil, errs.Wrap(errs.Internal, err, "the manifest cannot be written")
	}
	return text, nil
}

// SumFolder tells what the address of a folder is, and stores nothing.
func SumFolder(ctx context.Context, folder fs.FS) (Info, error) {
	return Pack(folder, func(f io.Reader) (Info, error) {
		d, n, err := Sum(ctx, f)
		return Info{Digest: d, Size: n}, err
	}, FolderOf)
}

// FolderOf tells what the address of a folder with these files is.
func FolderOf(files []File) (Info, error) {
	text, err := writeManifest(slices.Clone(files))
	sum := sha256.Sum256(text)
	return Info{Digest(hex.EncodeToString(sum[:])), int64(len(text)), FolderType}, err
}

// Pack hands each file of a folder to each, and the list of them to whole.
func Pack(folder fs.FS, each func(io.Reader) (Info, error), whole func([]File) (Info, error)) (Info, error) {
	var files []File
	err := fs.WalkDir(folder, ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return errs.Wrap(errs.Unavailable, err, "the folder cannot be read")
		}
		if e.IsDir() {
			return nil
		}
		if !e.Type().IsRegular() {
			return errs.Field(errs.Invalid, "path", "%q is no file; replace links by what they lead to", path)
		}
		f, err := folder.Open(path)
		if err != nil {
			return errs.Wrap(errs.Unavailable, err, "a file of the folder cannot be read")
		}
		defer f.Close()
		info, err := each(f)
		files = append(files, File{path, info.Size, info.Digest})
		return err
	})
	if err != nil {
		return Info{}, err
	}
	return whole(files)
}

// Folder returns the files of a folder. errs.Invalid: the bytes are no
// folder's.
func (s *Store) Folder(ctx context.Context, d Digest) ([]File, error) { return FolderFrom(ctx, s, d) }

// FolderFrom is [Store.Folder] of what an API keeps.
func FolderFrom(ctx context.Context, s API, d Digest) ([]File, error) {
	r, err := s.Open(ctx, d)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	if r.MediaType != FolderType || r.Size > maxManifest {
		return nil, errs.Field(errs.Invalid, "digest", "the artifact %s is a file and no folder", d)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	return ParseFolder(text)
}

// ParseFolder reads a manifest, and refuses one that could lead out of the
// folder into which it is unpacked.
func ParseFolder(text []byte) ([]File, error) {
	var m manifest
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&m); err != nil || m.Version != 1 {
		return nil, errs.New(errs.Invalid, "the manifest of the folder cannot be read; it is damaged, or of a newer version of Varve")
	}
	for i, f := range m.Files {
		if _, err := ParseDigest(string(f.Digest)); err != nil || f.Size < 0 {
			return nil, errs.Field(errs.Invalid, "files", "the entry of %q is no file's", f.Path)
		}
		if !SafePath(f.Path) || i > 0 && m.Files[i-1].Path >= f.Path {
			return nil, errs.Field(errs.Invalid, "files", "the path %q leads out of the folder, stands twice or is out of order", f.Path)
		}
	}
	return m.Files, nil
}

// SafePath tells whether a path with slashes stays within the folder it is
// joined to, on every operating system.
func SafePath(path string) bool {
	return fs.ValidPath(path) && path != "." && !strings.ContainsAny(path, "\\:\x00") && filepath.IsLocal(filepath.FromSlash(path))
}

// Unpack writes bytes, or a folder's files, to a path that is not there yet:
// whole or not at all. errs.Exists: something is there.
func (s *Store) Unpack(ctx context.Context, d Digest, to string) error {
	return UnpackFrom(ctx, s, d, to)
}

// UnpackFrom is [Store.Unpack] of what an API keeps.
func UnpackFrom(ctx context.Context, s API, d Digest, to string) error {
	if _, err := os.Lstat(to); err == nil {
		return errs.Field(errs.Exists, "path", "there is something at %q already; name a path that is free", to)
	}
	info, err := s.Stat(ctx, d)
	if err != nil {
		return err
	}
	temp, err := os.MkdirTemp(filepath.Dir(to), ".varve-unpack-")
	if err != nil {
		return errs.Wrap(errs.Unavailable, err, "the artifact cannot be written there")
	}
	defer os.RemoveAll(temp)
	whole := filepath.Join(temp, "whole")
	if info.MediaType == FolderType {
		err = unpackFolder(ctx, s, d, whole)
	} else {
		err = unpackFile(ctx, s, d, whole)
	}
	if err != nil {
		return err
	}
	if err := os.Rename(whole, to); err != nil {
		return errs.Wrap(errs.Unavailable, err, "the artifact cannot be written there")
	}
	return nil
}

func unpackFolder(ctx context.Context, s API, d Digest, to string) error {
	files, err := s.Folder(ctx, d)
	if err != nil {
		return err
	}
	if err := os.Mkdir(to, 0o755); err != nil {
		return errs.Wrap(errs.Unavailable, err, "the folder cannot be made")
	}
	for _, f := range files {
		path := filepath.Join(to, filepath.FromSlash(f.Path))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return errs.Wrap(errs.Unavailable, err, "the folder cannot be made")
		}
		if err := unpackFile(ctx, s, f.Digest, path); err != nil {
			return err
		}
	}
	return nil
}

func unpackFile(ctx context.Context, s API, d Digest, to string) error {
	r, err := s.Open(ctx, d)
	if err != nil {
		return err
	}
	defer r.Close()
	f, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return errs.Wrap(errs.Unavailable, err, "the artifact cannot be written there")
	}
	_, err = io.Copy(f, newSource(ctx, r))
	return errors.Join(err, f.Close())
}
