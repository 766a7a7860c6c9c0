package csv

import (
	"fmt"
	"strings"

	"github.com/varvedb/varve/errs"
)

// Dialect is how a file is written.
type Dialect struct {
	Comma byte   // between fields: , ; or a tab
	End   string // of lines
}

// Plain is the dialect of new files.
var Plain = Dialect{Comma: ',', End: "\n"}

// open begins to read a file: its byte order mark, its dialect and its header.
func open(name, data string) (s *scanner, d Dialect, columns []string, err error) {
	if err := checkText(name, data); err != nil {
		return nil, d, nil, err
	}
	s = &scanner{name: name, data: data, line: 1}
	if strings.HasPrefix(data, bom) {
		s.pos = len(bom)
	}
	d = dialect(data[s.pos:])
	s.comma = d.Comma
	some, err := s.next()
	if err != nil {
		return nil, d, nil, err
	}
	if !some {
		return nil, d, nil, errs.Field(errs.Invalid, "table", "%s is empty; a table begins with a line of the names of its columns", name)
	}
	s.raw = data[:s.pos] // with the mark
	columns, err = header(s)
	return s, d, columns, err
}

// dialect finds out how a file is written from its first line that has
// something: the separator that is there most often outside of quotes, and the
// end of the line.
func dialect(data string) Dialect {
	d := Dialect{Comma: ',', End: "\n"}
	count := map[byte]int{}
	quoted, some := false, false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '\n' && some:
			if data[i-1] == '\r' {
				d.End = "\r\n"
			}
			i = len(data)
			continue
		case c == ',' || c == ';' || c == '\t':
			count[c]++
		}
		some = some || data[i] != '\n' && data[i] != '\r'
	}
	for _, c := range []byte{';', '\t'} {
		if count[c] > count[d.Comma] {
			d.Comma = c
		}
	}
	return d
}

// header are the names of the columns: one that is empty is named after its
// place, and two of a name are refused.
func header(s *scanner) ([]string, error) {
	columns := make([]string, len(s.fields))
	places := map[string]int{}
	for i, f := range s.fields {
		columns[i] = f.text
		if f.text == "" {
			columns[i] = fmt.Sprintf("column_%d", i+1)
		}
		folded := strings.ToLower(columns[i])
		if first, twice := places[folded]; twice {
			return nil, s.fail(s.at, "columns %d and %d are both called %q; rename one", first+1, i+1, columns[i])
		}
		places[folded] = i
	}
	return columns, nil
}
