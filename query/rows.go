package query

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/varvedb/varve/errs"
)

// value checks a value for a column.
func (c *Column) value(given any) (any, error) {
	v, err := c.Type.Value(given)
	if err == nil && v == nil && c.Required {
		return nil, errs.New(errs.Invalid, "is required and not given")
	}
	return v, err
}

// rows brings rows into the form of the port, with keys and folds.
func (s *Service) rows(t *Table, given []Row) ([][]any, error) {
	index := make(map[string]int, len(t.Columns))
	for i, c := range t.Columns {
		index[c.Name] = i
	}
	out := make([][]any, len(given))
	all := make([]any, len(given)*len(t.Columns))
	for n, row := range given {
		if v, bare := row[scalar]; bare && len(row) == 1 {
			column, err := onlyColumn(t)
			if err != nil {
				return nil, located(fmt.Sprintf("rows[%d]", n), err)
			}
			row = Row{column: v}
		}
		values := all[n*len(t.Columns) : (n+1)*len(t.Columns) : (n+1)*len(t.Columns)]
		if err := typeRow(t, row, values); err != nil {
			return nil, located(fmt.Sprintf("rows[%d]", n), err)
		}
		if err := s.complete(t, values, index); err != nil {
			return nil, located(fmt.Sprintf("rows[%d]", n), err)
		}
		out[n] = values
	}
	return out, nil
}

// typeRow brings the values of a row into the types and the order of the
// columns.
func typeRow(t *Table, row Row, values []any) error {
	has := 0
	for i := range t.Columns {
		c := &t.Columns[i]
		given, ok := row[c.Name]
		if !ok {
			continue
		}
		has++
		v, err := c.Type.Value(given)
		if err != nil {
			return located(c.Name, err)
		}
		values[i] = v
	}
	if has < len(row) {
		name, _ := t.unknown(row)
		return noField(name, t)
	}
	return nil
}

// unknown is the first field of a row that the table has not.
func (t *Table) unknown(row Row) (first string, found bool) {
	for name := range row {
		if t.Index(name) < 0 && (!found || name < first) {
			first, found = name, true
		}
	}
	return first, found
}

// onlyColumn is the column that a bare value is for.
func onlyColumn(t *Table) (string, error) {
	only := ""
	for _, c := range t.Columns {
		if c.Name == t.Key || c.Name == Fold {
			continue
		}
		if only != "" {
			return "", errs.New(errs.Invalid, "is a value without a name, and %q has several columns it could be for", t.Name)
		}
		only = c.Name
	}
	if only == "" {
		return "", errs.New(errs.Invalid, "is a value without a name, and %q has no column for it", t.Name)
	}
	return only, nil
}

// complete gives a row its key and its fold, and checks that nothing is
// missing.
func (s *Service) complete(t *Table, values []any, index map[string]int) error {
	key := index[t.Key]
	if values[key] == nil && t.Columns[key].Type.Kind == Text && !t.Generated {
		values[key] = s.keys.next(s.opt.Now())
	}
	text, err := keyText(t, values[key])
	if err != nil {
		return located(t.Key, err)
	}
	if fold, ok := index[Fold]; ok && values[fold] == nil && t.Columns[fold].Type.Kind == Text {
		values[fold] = s.fold(t.Name, text)
	}
	for i := range t.Columns {
		if values[i] == nil && t.Columns[i].Required && !(i == key && t.Generated) {
			return errs.Field(errs.Invalid, t.Columns[i].Name, "is required and not given")
		}
	}
	return nil
}

// keyText is a key as text, "" where the database numbers the rows.
func keyText(t *Table, v any) (string, error) {
	switch v := v.(type) {
	case string:
		if len(v) > MaxKey {
			return "", errs.New(errs.TooLarge, "is the key and has %d bytes; a key has at most %d", len(v), MaxKey)
		}
		return v, nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	}
	if t.Generated {
		return "", nil
	}
	return "", errs.New(errs.Invalid, "is the key of %q and not given", t.Name)
}

// fold chooses the part of a data set for a row: by a hash of the table, the
// key and a seed, so that the same row is always in the same. Rows whose key
// the database makes are all in one.
func (s *Service) fold(table, key string) string {
	b := make([]byte, 0, 256)
	for _, part := range [...]string{table, key, s.opt.FoldSeed} {
		b = append(binary.LittleEndian.AppendUint64(b, uint64(len(part))), part...)
	}
	sum := sha256.Sum256(b)
	n := binary.LittleEndian.Uint64(sum[:])
	if float64(n>>11)/(1<<53) < s.opt.Fold {
		return FoldValid
	}
	return FoldTrain
}

// keys makes keys: UUIDs of version 7, in the order in which they are made, so
// that the rows of one insert lie side by side.
type keys struct {
	mu   sync.Mutex
	last uint64 // milliseconds and a counter of 12 bits, as they stand in the key
}

func (k *keys) next(now time.Time) string {
	k.mu.Lock()
	k.last = max(k.last+1, uint64(now.UnixMilli())<<12)
	at := k.last
	k.mu.Unlock()
	var b [16]byte
	rand.Read(b[8:])
	binary.BigEndian.PutUint64(b[:8], at>>12<<16|7<<12|at&0xfff)
	b[8] = b[8]&0x3f | 0x80
	var text [36]byte
	hex.Encode(text[:8], b[:4])
	hex.Encode(text[9:13], b[4:6])
	hex.Encode(text[14:18], b[6:8])
	hex.Encode(text[19:23], b[8:10])
	hex.Encode(text[24:], b[10:])
	text[8], text[13], text[18], text[23] = '-', '-', '-', '-'
	return string(text[:])
}
