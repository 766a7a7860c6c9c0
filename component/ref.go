package component

import (
	"encoding/json"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/varvedb/varve/errs"
)

// Latest is the version of a reference that names none: the newest visible
// one.
const Latest = -1

// MaxIdentifier is the length of an identifier in bytes, which is also what
// file systems take for a name with a suffix.
const MaxIdentifier = 200

// Name is what versions of one component have in common.
type Name struct {
	Type       string `json:"type_id"`
	Identifier string `json:"identifier"`
}

// String is "type/identifier".
func (n Name) String() string { return n.Type + "/" + n.Identifier }

// Check is errs.Invalid where the identifier is none that a component may have.
func (n Name) Check() error { return checkIdentifier(n.Identifier) }

// Ref names one version of a component.
type Ref struct {
	Name
	Version int    `json:"version"`
	UUID    string `json:"uuid,omitempty"`
}

// String is "type/identifier version n".
func (r Ref) String() string {
	if r.Version == Latest {
		return r.Name.String()
	}
	return r.Name.String() + " version " + strconv.Itoa(r.Version)
}

// Marks of references inside records and documents.
const (
	componentMark = "&:component:"
	blobMark      = "&:blob:"
)

// Link is the reference's form in records:
// "&:component:<type>:<identifier>", and ":<version>" or ":<uuid>" after it
// when it is bound to one.
func (r Ref) Link() string {
	s := componentMark + r.Type + ":" + r.Identifier
	switch {
	case r.Version != Latest:
		s += ":" + strconv.Itoa(r.Version)
	case r.UUID != "":
		s += ":" + r.UUID
	}
	return s
}

// ParseLink reads the form of [Ref.Link], and "&:component:<uuid>".
func ParseLink(s string) (Ref, error) {
	bad := errs.New(errs.Invalid, "%q is no reference; write &:component:TYPE:IDENTIFIER, with :VERSION behind it if need be", s)
	rest, ok := strings.CutPrefix(s, componentMark)
	if !ok {
		return Ref{}, bad
	}
	if isUUID(rest) {
		return Ref{Version: Latest, UUID: rest}, nil
	}
	typ, rest, ok := strings.Cut(rest, ":")
	if !ok || typ == "" {
		return Ref{}, bad
	}
	r := Ref{Name: Name{typ, rest}, Version: Latest}
	if identifier, last, ok := strings.Cut(rest, ":"); ok {
		r.Identifier = identifier
		n, err := strconv.Atoi(last)
		switch {
		case isUUID(last):
			r.UUID = last
		case err == nil && n >= 0 && strconv.Itoa(n) == last:
			r.Version = n
		default:
			return Ref{}, bad
		}
	}
	if _, ok := blank(r.Type); !ok {
		return Ref{}, errs.New(errs.Invalid, "%q is no type of component; types are %s", r.Type, strings.Join(Types(), ", "))
	}
	if err := checkIdentifier(r.Identifier); err != nil {
		return Ref{}, err
	}
	return r, nil
}

// isUUID takes what this room makes: 32 hexadecimal digits in lower case.
func isUUID(s string) bool { return len(s) == 32 && isHex(s) }

func isDigest(s string) bool { return len(s) == 64 && isHex(s) }

func isHex(s string) bool {
	return strings.Trim(s, "0123456789abcdef") == ""
}

// checkIdentifier refuses what a folder cannot hold under this name on every
// file system, what a reference could not be cut out of, and what people could
// not tell from another name.
func checkIdentifier(s string) error {
	no := func(why string) error { return errs.Field(errs.Invalid, "identifier", "%s", why) }
	switch {
	case s == "":
		return no("is missing")
	case len(s) > MaxIdentifier:
		return no("is longer than " + strconv.Itoa(MaxIdentifier) + " bytes")
	case !utf8.ValidString(s):
		return no("is not UTF-8")
	case s == "." || s == "..":
		return no("names a folder; take another name")
	case strings.ContainsAny(s, `/\:*?"<>|`):
		return no(`has one of / \ : * ? " < > |, which names of files and references cannot hold`)
	case strings.HasPrefix(s, "&"):
		return no("begins with &, which marks references")
	case strings.TrimSpace(s) != s, strings.HasSuffix(s, "."):
		return no("begins or ends with a space, or ends with a point, which some file systems drop")
	case reserved(s):
		return no("is a name that some file systems keep for devices")
	}
	for _, r := range s {
		if unicode.IsControl(r) || r == unicode.ReplacementChar || unicode.Is(unicode.Bidi_Control, r) {
			return no("has a character that cannot be seen")
		}
	}
	return nil
}

// reserved are names that Windows opens as devices, whatever comes behind a
// point.
func reserved(s string) bool {
	stem, _, _ := strings.Cut(strings.ToLower(s), ".")
	switch stem {
	case "con", "prn", "aux", "nul":
		return true
	}
	return len(stem) == 4 && (strings.HasPrefix(stem, "com") || strings.HasPrefix(stem, "lpt")) && stem[3] >= '1' && stem[3] <= '9'
}

// Child is a component inside another: the component itself, or a reference to
// one that is applied with it or was applied before.
type Child struct {
	Component Component // nil: a reference
	Ref       Ref
}

// Of is a child that is a component.
func Of(c Component) Child {
	return Child{Component: c, Ref: Ref{Name: nameOf(c), Version: Latest}}
}

// To is a reference to the newest version of a component.
func To(typ, identifier string) Child {
	return Child{Ref: Ref{Name: Name{typ, identifier}, Version: Latest}}
}

// ToVersion is a reference to one version of a component, which later ones
// leave alone.
func ToVersion(typ, identifier string, version int) Child {
	return Child{Ref: Ref{Name: Name{typ, identifier}, Version: version}}
}

// IsZero tells whether there is no child.
func (c Child) IsZero() bool { return c.Component == nil && c.Ref == Ref{} }

// name is that of the component meant; without an identifier when the
// reference is by UUID alone.
func (c Child) name() Name {
	if c.Component != nil {
		return nameOf(c.Component)
	}
	return c.Ref.Name
}

// bound tells whether a reference means one version, whatever else is applied.
func (c Child) bound() bool {
	return c.Ref != Ref{} && (c.Ref.Version != Latest || c.Ref.UUID != "")
}

// link is the child as it stands in a record.
func (c Child) link() string {
	switch {
	case !c.bound():
		return Ref{Name: c.name(), Version: Latest}.Link()
	case c.Ref.Type == "":
		return componentMark + c.Ref.UUID
	}
	return c.Ref.Link()
}

// Raw is JSON as it is written, such as a query.
func Raw(s string) json.RawMessage { return json.RawMessage(s) }
