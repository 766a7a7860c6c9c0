package bundle

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"unicode"

	"github.com/varvedb/varve/artifact"
	"github.com/varvedb/varve/component"
	"github.com/varvedb/varve/errs"
)

// Names within an export.
const (
	ManifestName  = "manifest.json"
	ComponentName = "component.json"
	blobs         = "blobs/"
	folders       = "files/"
)

// What an export may have at most: more is no export of anything.
const (
	maxFiles = 250_000
	maxText  = 64 << 20 // of manifest.json and component.json each
)

// Manifest says what is in an export.
type Manifest struct {
	Version int `json:"version"` // of this form: 1
	component.Name
	Artifacts []artifact.Info `json:"artifacts"` // in the order of digests
	Files     []artifact.File `json:"files"`     // all but the manifest, in the order of paths
}

func (m Manifest) encode() ([]byte, error) {
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, errs.Wrap(errs.Internal, err, "the manifest cannot be written")
	}
	return append(text, '\n'), nil
}

// parseManifest takes what encode writes and nothing else: of a key that stands
// twice, or one that is not known, two readers would make two things.
func parseManifest(text []byte) (Manifest, error) {
	var read struct {
		Version int `json:"version"`
		component.Name
		Artifacts some[artifact.Info] `json:"artifacts"`
		Files     some[artifact.File] `json:"files"`
	}
	if err := json.Unmarshal(text, &read); errors.Is(err, errs.TooLarge) {
		return Manifest{}, err
	} else if err != nil {
		return Manifest{}, errs.Wrap(errs.Invalid, err, "%s is damaged", ManifestName)
	}
	m := Manifest{read.Version, read.Name, read.Artifacts, read.Files}
	if m.Version != 1 {
		return m, errs.New(errs.Invalid, "%s is of version %d, and this program knows 1; take a newer Varve", ManifestName, m.Version)
	}
	if again, err := m.encode(); err != nil || !bytes.Equal(again, text) {
		return m, errs.New(errs.Invalid, "%s is damaged, or was written by another program", ManifestName)
	}
	return m, m.check()
}

// some is a list of at most as many as an export has files: what takes three
// bytes of a text takes forty of memory, so that the text's length is no bound.
type some[T any] []T

// UnmarshalJSON implements json.Unmarshaler.
func (l *some[T]) UnmarshalJSON(raw []byte) error {
	*l = nil
	d := json.NewDecoder(bytes.NewReader(raw))
	switch begin, err := d.Token(); {
	case err != nil || begin == nil:
		return err
	case begin != json.Delim('['):
		return errors.New("a list is something else")
	}
	*l = some[T]{}
	for d.More() {
		if len(*l) == maxFiles {
			return errs.New(errs.TooLarge, "%s names more than %d files or artifacts", ManifestName, maxFiles)
		}
		var one T
		if err := d.Decode(&one); err != nil {
			return err
		}
		*l = append(*l, one)
	}
	return nil
}

// check holds a manifest to what an export can have: files where they belong,
// on every operating system, each once, and none but those of its artifacts.
func (m Manifest) check() error {
	of := map[artifact.Digest][]artifact.File{} // by the artifact they belong to
	names := spelling{}
	for i, f := range m.Files {
		if _, err := artifact.ParseDigest(string(f.Digest)); err != nil || f.Size < 0 {
			return errs.New(errs.Invalid, "the entry of %q in %s is no file's", f.Path, ManifestName)
		}
		if !artifact.SafePath(f.Path) || i > 0 && m.Files[i-1].Path >= f.Path {
			return errs.New(errs.Invalid, "the path %q in %s leads out of the export, stands twice or is out of order", f.Path, ManifestName)
		}
		if err := names.add(f.Path); err != nil {
			return err
		}
		if f.Path == ComponentName {
			continue
		}
		owner, within, ok := place(f.Path)
		if !ok {
			return errs.New(errs.Invalid, "%q has no place in an export", f.Path)
		}
		f.Path = within
		of[owner] = append(of[owner], f)
	}
	return m.checkArtifacts(of)
}

func (m Manifest) checkArtifacts(of map[artifact.Digest][]artifact.File) error {
	if i := slices.IndexFunc(m.Files, func(f artifact.File) bool { return f.Path == ComponentName }); i < 0 || m.Files[i].Size > maxText {
		return errs.New(errs.Invalid, "%s is missing, or far too large", ComponentName)
	}
	for i, a := range m.Artifacts {
		if i > 0 && m.Artifacts[i-1].Digest >= a.Digest {
			return errs.New(errs.Invalid, "the artifact %q stands twice in %s, or is out of order", a.Digest, ManifestName)
		}
		files := of[a.Digest]
		delete(of, a.Digest)
		ok := len(files) == 1 && files[0].Path == "" && files[0].Digest == a.Digest && files[0].Size == a.Size
		if a.MediaType == artifact.FolderType {
			whole, err := artifact.FolderOf(files)
			if err != nil {
				return err
			}
			ok = whole == a && !slices.ContainsFunc(files, func(f artifact.File) bool { return f.Path == "" })
		}
		if !ok {
			return errs.New(errs.Invalid, "the files of the artifact %q are not those that its digest says", a.Digest)
		}
	}
	for d := range of {
		return errs.New(errs.Invalid, "there are files of the artifact %q, which %s does not name", d, ManifestName)
	}
	return nil
}

// place tells which artifact a file belongs to, and its path in it: "" for a
// file that is the artifact.
func place(path string) (owner artifact.Digest, within string, ok bool) {
	if rest, isBlob := strings.CutPrefix(path, blobs); isBlob {
		owner, err := artifact.ParseDigest(rest)
		return owner, "", err == nil && string(owner) == rest
	}
	rest, isFolder := strings.CutPrefix(path, folders)
	first, within, _ := strings.Cut(rest, "/")
	owner, err := artifact.ParseDigest(first)
	return owner, within, isFolder && err == nil && string(owner) == first && within != ""
}

// spelling finds paths that are one on file systems which do not tell upper
// from lower case, and files that others have as their folder.
type spelling map[string]string

func (s spelling) add(path string) error {
	for end := range len(path) + 1 {
		if end < len(path) && path[end] != '/' {
			continue
		}
		part, mark := path[:end], "/"
		if end == len(path) {
			mark = ""
		}
		key := folded(part)
		if was, ok := s[key]; ok && (was != part+mark || mark == "") {
			return errs.New(errs.Invalid, "%q and %q are one path where upper and lower case are", strings.TrimSuffix(was, "/"), path)
		}
		s[key] = part + mark
	}
	return nil
}

// folded is a text with each letter in the first of its cases.
func folded(s string) string {
	return strings.Map(func(r rune) rune {
		least := r
		for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
			least = min(least, next)
		}
		return least
	}, s)
}

func sum(text []byte) artifact.Digest {
	s := sha256.Sum256(text)
	return artifact.Digest(hex.EncodeToString(s[:]))
}
