package folder

import (
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/query"
)

// The endings of files, in whatever case.
const (
	csvEnding     = ".csv"
	parquetEnding = ".parquet"
)

// devices are names that Windows takes for something else, whatever their ending.
var devices = []string{"con", "prn", "aux", "nul", "com0", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8", "com9",
	"lpt0", "lpt1", "lpt2", "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9"}

// stemOf is the name of a table's file without its ending. What a file system may
// not hold, or would take for a path, is written as its bytes: % and two digits.
func stemOf(table string) string {
	var b strings.Builder
	first, _, _ := strings.Cut(strings.ToLower(table), ".")
	device := slices.Contains(devices, first)
	for i := range len(table) {
		c := table[i]
		switch edge := i == 0 || i == len(table)-1; {
		case c < ' ' || c == 0x7f, strings.IndexByte(`/\:*?"<>|%`, c) >= 0, edge && (c == '.' || c == ' '), i == 0 && (device || c == '~'):
			fmt.Fprintf(&b, "%%%02X", c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// tableOf is the name of the table in a file: its stem, with bytes in the place
// of what stemOf writes for them.
func tableOf(stem string) string {
	var b strings.Builder
	for i := 0; i < len(stem); i++ {
		if stem[i] == '%' && i+2 < len(stem) {
			if n, err := strconv.ParseUint(stem[i+1:i+3], 16, 8); err == nil {
				b.WriteByte(byte(n))
				i += 2
				continue
			}
		}
		b.WriteByte(stem[i])
	}
	if table := b.String(); utf8.ValidString(table) && stemOf(table) == stem {
		return table
	}
	return stem // another program's own signs
}

// named is a file that may be a table.
type named struct {
	table string
	file  string
}

// files lists the files of tables, in the order of the tables' names. A name
// that no table can have is left out.
func (s *Store) files() ([]named, error) {
	dir, err := s.root.Open(".")
	if err != nil {
		return nil, unread(err, "the folder cannot be read")
	}
	defer dir.Close()
	var list []named
	for {
		entries, err := dir.ReadDir(256)
		for _, e := range entries {
			if n, ok := asTable(e); ok {
				list = append(list, n)
			}
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, unread(err, "the folder cannot be read")
		}
	}
	slices.SortFunc(list, func(a, b named) int {
		if c := strings.Compare(a.table, b.table); c != 0 {
			return c
		}
		return strings.Compare(a.file, b.file)
	})
	return list, nil
}

func asTable(e fs.DirEntry) (named, bool) {
	name := e.Name()
	ending := path.Ext(name)
	stem := strings.TrimSuffix(name, ending)
	if e.IsDir() || strings.HasPrefix(name, ".") || !strings.EqualFold(ending, csvEnding) && !strings.EqualFold(ending, parquetEnding) {
		return named{}, false
	}
	table := tableOf(stem)
	return named{table, name}, query.CheckName("table", table) == nil
}

func isParquet(file string) bool { return strings.EqualFold(path.Ext(file), parquetEnding) }

// find is the file of a table. errs.NotFound: there is none; errs.Invalid: there
// are several, or one whose name differs by case.
func (s *Store) find(table string) (named, error) {
	all, err := s.files()
	if err != nil {
		return named{}, err
	}
	return pick(all, table)
}

func pick(all []named, table string) (named, error) {
	var found []named
	exact := false
	for _, n := range all {
		if strings.EqualFold(n.table, table) {
			exact = exact || n.table == table
			found = append(found, n)
		}
	}
	switch {
	case !exact:
		return named{}, errs.Field(errs.NotFound, "table", "there is no table %q", table)
	case len(found) > 1:
		return named{}, errs.Field(errs.Invalid, "table", "the files %q and %q would both be the table %q; rename one of them", found[0].file, found[1].file, table)
	}
	return found[0], nil
}
