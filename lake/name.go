package lake

import (
	"io/fs"
	"mime"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/varvedb/varve/errs"
)

// Name names a file within what belongs to one user. No path and an empty one
// are two paths, and both are the top of the tree.
type Name struct {
	Path     *string
	Filename string
}

// At is the name of a file by its whole path, as a file system writes it:
// "docs/a.txt" is the file a.txt on the path docs, "a.txt" one on no path.
func At(full string) Name {
	dir, file := path.Split(full)
	if dir == "" {
		return Name{Filename: file}
	}
	dir = strings.TrimSuffix(dir, "/")
	return Name{Path: &dir, Filename: file}
}

// String is the whole path of the file.
func (n Name) String() string {
	if n.Path == nil || *n.Path == "" {
		return n.Filename
	}
	return *n.Path + "/" + n.Filename
}

// What file systems have room for.
const (
	maxPart = 255
	maxFull = 1024
)

// check refuses what no file system can show, or shows as something else.
func (n Name) check() error {
	switch {
	case n.Filename == "":
		return errs.Field(errs.Invalid, "filename", "is missing")
	case strings.Contains(n.Filename, "/"):
		return errs.Field(errs.Invalid, "filename", "%q has a slash; what comes before it is the path", n.Filename)
	case n.Path != nil && (*n.Path == "." || *n.Path != "" && !fs.ValidPath(*n.Path)):
		return errs.Field(errs.Invalid, "path", "%q is no path: write parts with one slash between them, no part being empty, . or ..", *n.Path)
	case !fs.ValidPath(n.Filename) || n.Filename == ".":
		return errs.Field(errs.Invalid, "filename", "%q is no name of a file", n.Filename)
	case len(n.String()) > maxFull:
		return errs.Field(errs.TooLarge, "path", "is too long; path and name together have at most %d bytes", maxFull)
	}
	for part := range strings.SplitSeq(n.String(), "/") {
		if err := checkPart(part); err != nil {
			return err
		}
	}
	return nil
}

// checkPart refuses a part that a file system would refuse, cut or change, or
// that looks like another one without being it.
func checkPart(part string) error {
	switch {
	case len(part) > maxPart:
		return errs.Field(errs.TooLarge, "filename", "%.20q… is too long; each part has at most %d bytes", part, maxPart)
	case strings.ContainsFunc(part, unsafe):
		return errs.Field(errs.Invalid, "filename", "%q has a backslash, or a character that cannot be seen", part)
	case !norm.NFC.IsNormalString(part):
		return errs.Field(errs.Invalid, "filename", "%q is not in Unicode's composed form (NFC) and looks like another name; write %q", part, norm.NFC.String(part))
	}
	return nil
}

func unsafe(r rune) bool {
	return r == '\\' || r == utf8.RuneError || unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u200b' || r == '\ufeff'
}

// folders are the folders that a file lies in, the outermost first.
func (n Name) folders() (list []string) {
	full := n.String()
	for i, r := range full {
		if r == '/' {
			list = append(list, full[:i])
		}
	}
	return list
}

// Filetype is what a name says about a file: "txt" of "a.txt", nil of one
// without an ending.
func Filetype(filename string) *string {
	if ending := strings.TrimPrefix(path.Ext(filename), "."); ending != "" {
		return &ending
	}
	return nil
}

// MediaType is the media type of a file, by its filetype and else by its name;
// "" when neither tells.
func MediaType(f File) string {
	if f.Filetype != nil {
		if strings.Contains(*f.Filetype, "/") {
			return *f.Filetype
		}
		if t := mime.TypeByExtension("." + *f.Filetype); t != "" {
			return t
		}
	}
	return mime.TypeByExtension(path.Ext(f.Filename))
}
