// Package csv reads and writes CSV files as tables whose columns have types.
//
// It does not use encoding/csv, which forgets what a table needs: whether an
// empty field was quoted, which tells "" from NULL; CR LF within quotes, which
// it makes LF; and the text of records, which is kept here so that what is not
// changed is written back byte for byte.
package csv

import (
	"strings"
	"unicode/utf8"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/query"
)

const bom = "\ufeff"

// field is one field of a record.
type field struct {
	text   string // without its quotes
	quoted bool
	raw    string // as it stands in the file
}

// null tells that there is nothing: not even an empty text, which is quoted.
func (f *field) null() bool { return f.text == "" && !f.quoted }

// scanner reads records. Blank lines belong to the record after them.
type scanner struct {
	name  string // of the file, for errors
	data  string
	comma byte
	pos   int
	line  int // of pos, from 1

	fields []field // of the record that was read last
	at     int     // the line it begins in
	raw    string  // all of it, with its line end
}

func (s *scanner) fail(line int, format string, args ...any) error {
	return errs.Field(errs.Invalid, "table", "%s, line %d: "+format, append([]any{s.name, line}, args...)...)
}

// next reads a record; false at the end.
func (s *scanner) next() (bool, error) {
	start := s.pos
	for s.pos < len(s.data) && s.lineEnd() > 0 {
		s.pos += s.lineEnd()
		s.line++
	}
	if s.pos == len(s.data) {
		return false, nil
	}
	s.fields, s.at = s.fields[:0], s.line
	for {
		f, err := s.field()
		if err != nil {
			return false, err
		}
		if len(f.text) > query.MaxText {
			return false, errs.Field(errs.TooLarge, "table", "%s, line %d: field %d has %d bytes; a value has at most %d", s.name, s.at, len(s.fields)+1, len(f.text), query.MaxText)
		}
		s.fields = append(s.fields, f)
		switch {
		case s.pos == len(s.data):
		case s.data[s.pos] == s.comma:
			s.pos++
			continue
		default:
			s.pos += s.lineEnd()
			s.line++
		}
		s.raw = s.data[start:s.pos]
		return true, nil
	}
}

// lineEnd is how many bytes of a line end are here.
func (s *scanner) lineEnd() int {
	switch {
	case s.data[s.pos] == '\n':
		return 1
	case strings.HasPrefix(s.data[s.pos:], "\r\n"):
		return 2
	}
	return 0
}

// field reads up to a separator, a line end or the end.
func (s *scanner) field() (field, error) {
	if s.pos < len(s.data) && s.data[s.pos] == '"' {
		return s.quoted()
	}
	start := s.pos
	for ; s.pos < len(s.data); s.pos++ {
		switch c := s.data[s.pos]; {
		case c == s.comma || c == '\n':
		case c == '\r' && s.lineEnd() > 0:
		case c == '\r':
			return field{}, s.fail(s.line, "a carriage return stands alone; lines end in LF or CR LF, and a field with a CR in it is quoted")
		case c == '"':
			return field{}, s.fail(s.line, "a quote stands inside field %d, which does not begin with one; quote the whole field and double the quotes in it", len(s.fields)+1)
		default:
			continue
		}
		break
	}
	text := s.data[start:s.pos]
	return field{text: text, raw: text}, nil
}

func (s *scanner) quoted() (field, error) {
	start, line := s.pos, s.line
	s.pos++
	doubled := false
	for {
		n := strings.IndexByte(s.data[s.pos:], '"')
		if n < 0 {
			return field{}, s.fail(line, "the file ends inside the quoted field %d that begins here; it may have been cut off", len(s.fields)+1)
		}
		s.line += strings.Count(s.data[s.pos:s.pos+n], "\n")
		if s.pos += n + 1; s.pos < len(s.data) && s.data[s.pos] == '"' {
			doubled = true
			s.pos++
			continue
		}
		break
	}
	if s.pos < len(s.data) && s.data[s.pos] != s.comma && s.lineEnd() == 0 {
		return field{}, s.fail(s.line, "something follows the closing quote of field %d; double the quotes inside a field", len(s.fields)+1)
	}
	f := field{text: s.data[start+1 : s.pos-1], quoted: true, raw: s.data[start:s.pos]}
	if doubled {
		f.text = strings.ReplaceAll(f.text, `""`, `"`)
	}
	return f, nil
}

// others are beginnings of files that are no CSV, and what to do with them.
var others = []struct{ head, what string }{
	{"\xff\xfe", "is UTF-16; save it as UTF-8"},
	{"\xfe\xff", "is UTF-16; save it as UTF-8"},
	{"PK\x03\x04", "is a spreadsheet or an archive; export it as CSV"},
	{"\xd0\xcf\x11\xe0", "is a spreadsheet; export it as CSV"},
	{"PAR1", "is a Parquet file; its name should end in .parquet"},
	{"\x1f\x8b", "is compressed; unpack it"},
}

// checkText refuses what is no text in UTF-8.
func checkText(name, data string) error {
	for _, o := range others {
		if strings.HasPrefix(data, o.head) {
			return errs.Field(errs.Invalid, "table", "%s %s", name, o.what)
		}
	}
	wrong, what := strings.IndexByte(data, 0), "is the character NUL, which no CSV has"
	if wrong < 0 {
		if utf8.ValidString(data) {
			return nil
		}
		for i := 0; i < len(data); {
			r, n := utf8.DecodeRuneInString(data[i:])
			if wrong = i; r == utf8.RuneError && n == 1 {
				break
			}
			i += n
		}
		what = "are bytes that are not UTF-8; save it as UTF-8"
	}
	return errs.Field(errs.Invalid, "table", "%s, line %d: there %s", name, 1+strings.Count(data[:wrong], "\n"), what)
}
