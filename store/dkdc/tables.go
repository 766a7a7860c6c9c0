package dkdc

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"time"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/state"
	"github.com/varvedb/varve/store/sqlite"
)

// table is one of dkdc's tables, and how its rows are those of a versioned
// table of the same name. The first column is always idx.
type table struct {
	name    string
	columns []string
	needs   *state.Schema // a further table of Varve's
	// row turns a row of dkdc's into the values of a write, and into those of
	// a further write to another table, if one comes first.
	row func(map[string]any) (values map[string]any, before *before, err error)
	// values turns a version into a row of dkdc's.
	values func(v map[string]any, content func(hash string) ([]byte, error)) (map[string]any, error)
}

type before struct {
	table  string
	key    string
	values map[string]any
}

var tables = []*table{
	{"todos", []string{"idx", "id", "user_id", "subject", "body", "priority", "status", "description", "labels"}, nil, todoRow, todoValues},
	{"lake", []string{"idx", "id", "user_id", "path", "filename", "filetype", "data", "version", "status", "description", "labels"}, &contents, fileRow, fileValues},
}

func tableOf(name string) *table {
	for _, t := range tables {
		if strings.EqualFold(t.name, name) {
			return t
		}
	}
	return nil
}

func (t *table) in(file *sqlite.Store) sqlite.Guest { return file.Guest(t.name, t.columns...) }

func (t *table) named(values []any) map[string]any {
	row := make(map[string]any, len(values))
	for i, c := range t.columns {
		row[c] = values[i]
	}
	return row
}

func (t *table) ordered(row map[string]any) []any {
	values := make([]any, len(t.columns))
	for i, c := range t.columns {
		values[i] = row[c]
	}
	return values
}

func todoRow(row map[string]any) (map[string]any, *before, error) {
	delete(row, "idx")
	return row, nil, split(row)
}

func todoValues(v map[string]any, _ func(string) ([]byte, error)) (map[string]any, error) {
	return v, join(v)
}

// split makes a list of dkdc's labels, which stand in one text with commas. No
// text is no list; an empty one, which dkdc never writes, is the list of "".
func split(row map[string]any) error {
	text, ok := row["labels"].(string)
	if !ok {
		row["labels"] = nil
		return nil
	}
	raw, err := json.Marshal(strings.Split(text, ","))
	row["labels"] = json.RawMessage(raw)
	return err
}

// join is the reverse. A comma inside a label is lost to dkdc, which has no
// way to say it; the file beside keeps the list as it is.
func join(row map[string]any) error {
	raw, ok := row["labels"].(json.RawMessage)
	if !ok {
		return nil
	}
	var labels []string
	if err := json.Unmarshal(raw, &labels); err != nil {
		return errs.Field(errs.Invalid, "labels", "in a file of dkdc's are a list of texts")
	}
	row["labels"] = nil
	if len(labels) > 0 {
		row["labels"] = strings.Join(labels, ",")
	}
	return nil
}

// The lake keeps bytes in a table of their own, by their hash; the names are
// package lake's.
const contentTable = "lake_content"

var contents = state.Schema{Name: contentTable, Key: []string{"hash"}, Columns: []state.Column{
	{Name: "hash", Type: state.Text}, {Name: "size", Type: state.Integer}, {Name: "data", Type: state.Bytes},
	{Name: "place", Type: state.Text}, {Name: "pieces", Type: state.Bytes}}}

// piece is how many bytes package lake hashes by themselves.
const piece = 1 << 20

func fileRow(row map[string]any) (map[string]any, *before, error) {
	data, _ := row["data"].([]byte)
	if text, ok := row["data"].(string); ok {
		data = []byte(text)
	}
	sum := sha256.Sum256(data)
	hash := hex.EncodeToString(sum[:])
	content := map[string]any{"hash": hash, "size": int64(len(data)), "data": append([]byte{}, data...)}
	if len(data) > piece {
		content["pieces"] = pieces(data)
	}
	delete(row, "idx")
	delete(row, "data")
	row["size"], row["hash"] = int64(len(data)), hash
	return row, &before{contentTable, hash, content}, split(row)
}

func pieces(data []byte) (sums []byte) {
	for len(data) > 0 {
		n := min(piece, len(data))
		sum := sha256.Sum256(data[:n])
		sums, data = append(sums, sum[:]...), data[n:]
	}
	return sums
}

func fileValues(v map[string]any, content func(string) ([]byte, error)) (map[string]any, error) {
	hash, _ := v["hash"].(string)
	data, err := content(hash)
	if err != nil {
		return nil, err
	}
	v["data"] = data
	return v, join(v)
}

// forms are the ways in which dkdc's libraries have written times.
var forms = []string{"2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04:05Z07:00", "2006-01-02 15:04:05Z07:00"}

// timeOf reads an idx, which is UTC without saying so.
func timeOf(idx any) (time.Time, bool) {
	text, _ := idx.(string)
	for _, form := range forms {
		if at, err := time.Parse(form, text); err == nil {
			return at.UTC(), true
		}
	}
	return time.Time{}, false
}

// idxOf writes one. like is another of the file's: what is between date and
// time there is so here, since texts are compared.
func idxOf(at time.Time, like any) string {
	form := "2006-01-02T15:04:05.000000"
	if text, _ := like.(string); len(text) > 10 && text[10] == ' ' {
		form = "2006-01-02 15:04:05.000000"
	}
	return at.UTC().Format(form)
}

// value brings what stands in a column of dkdc's into the type of ours.
func value(typ state.Type, v any) any {
	if n, ok := v.(float64); ok && typ == state.Integer {
		return int64(n)
	}
	if raw, ok := v.([]byte); ok && typ == state.Text {
		return string(raw)
	}
	return v
}
