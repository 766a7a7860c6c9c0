package analytics

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/varvedb/varve/errs"
)

// Form is a form of an answer.
type Form string

// The forms.
const (
	Table     Form = "table"
	CSV       Form = "csv"
	JSON      Form = "json"
	Parquet   Form = "parquet"
	Arrow     Form = "arrow"      // Arrow's stream
	ArrowFile Form = "arrow-file" // Arrow's file, also called Feather: the stream with a table of contents
)

// mediaTypes are what the forms are called over HTTP.
var mediaTypes = map[Form]string{Table: "text/plain; charset=utf-8", CSV: "text/csv; charset=utf-8", JSON: "application/json",
	Parquet: "application/vnd.apache.parquet", Arrow: "application/vnd.apache.arrow.stream", ArrowFile: "application/vnd.apache.arrow.file"}

// MediaType is what the form is called over HTTP; "" is no form.
func (f Form) MediaType() string { return mediaTypes[f] }

// FormOf is the form that a media type asks for; "" is none that there is.
func FormOf(mediaType string) Form {
	for f, m := range mediaTypes {
		if name, _, _ := strings.Cut(m, ";"); name == mediaType {
			return f
		}
	}
	return ""
}

// Binary tells whether the form is none for people to look at.
func (f Form) Binary() bool { return f == Parquet || f == Arrow || f == ArrowFile }

// IsFile tells whether the form is a file's: only whole can it be read.
func (f Form) IsFile() bool { return f == Parquet || f == ArrowFile }

func unsupported(form Form) error {
	return errs.Field(errs.Unsupported, "format", "%s cannot be written by who answers here: that takes a program built with DuckDB; ask for csv or json", form)
}

// Write writes the rows in a form. Text ends where an error comes; a stream of
// Arrow's that is cut short cannot be read as a whole one, and Parquet is
// written whole or not at all.
func (r *Rows) Write(ctx context.Context, w io.Writer, form Form) error {
	switch form {
	case Table:
		return r.WriteTable(w)
	case CSV:
		return r.WriteCSV(w)
	case JSON:
		return r.WriteJSON(w)
	case Arrow:
		return r.WriteArrow(ctx, w)
	case Parquet, ArrowFile:
		return r.throughFile(ctx, w, form)
	}
	return errs.Field(errs.Invalid, "format", "%q is none; there are table, csv, json, parquet, arrow and arrow-file", form)
}

// WriteArrow writes the rows as a stream in Arrow's IPC format, which Arrow's
// libraries read batch by batch. The columns have the engine's types: times are
// timestamps, nested values are nested, JSON is text. errs.Unsupported where
// the engine is none that knows columns.
func (r *Rows) WriteArrow(ctx context.Context, w io.Writer) error {
	f, ok := r.cursor.(FormCursor)
	if !ok {
		return unsupported(Arrow)
	}
	return f.WriteStream(ctx, w, r.limit)
}

// WriteFile writes the rows into a new file at path, in a form that is one:
// Parquet or ArrowFile. errs.Unsupported as for WriteArrow.
func (r *Rows) WriteFile(ctx context.Context, path string, form Form) error {
	f, ok := r.cursor.(FormCursor)
	if !ok || !form.IsFile() {
		return unsupported(form)
	}
	return f.WriteFile(ctx, path, form, r.limit)
}

// throughFile is for a form whose end says where its parts are.
func (r *Rows) throughFile(ctx context.Context, w io.Writer, form Form) (err error) {
	folder, err := os.MkdirTemp("", "varve-sql-*")
	if err != nil {
		return errs.Wrap(errs.Unavailable, err, "a temporary file cannot be made")
	}
	defer os.RemoveAll(folder)
	path := filepath.Join(folder, "answer")
	if err := r.WriteFile(ctx, path, form); err != nil {
		return err
	}
	file, err := os.Open(path)
	if err != nil {
		return errs.Wrap(errs.Unavailable, err, "the temporary file cannot be read")
	}
	defer file.Close()
	_, err = io.Copy(w, file)
	return err
}

// WriteCSV writes a heading and the rows as RFC 4180 has it. NULL is empty,
// bytes are base64, what is nested is JSON.
func (r *Rows) WriteCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	line := make([]string, len(r.Columns))
	for i, c := range r.Columns {
		line[i] = c.Name
	}
	if err := out.Write(line); err != nil {
		return err
	}
	for row, err := range r.All() {
		if err != nil {
			out.Flush() // what came before it
			return err
		}
		for i, v := range row {
			if line[i], err = Text(v); err != nil {
				return err
			}
		}
		if err := out.Write(line); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// WriteJSON writes a list with one object for each row, its members in the
// order of the columns. Bytes are base64; NaN and infinity, which JSON has
// not, are text.
func (r *Rows) WriteJSON(w io.Writer) error {
	out := bufio.NewWriter(w)
	defer out.Flush()
	names := make([][]byte, len(r.Columns))
	for i, c := range r.Columns {
		name, err := json.Marshal(c.Name)
		if err != nil {
			return err
		}
		names[i] = append(name, ':')
	}
	sep := "["
	for row, err := range r.All() {
		if err != nil {
			return err
		}
		out.WriteString(sep + "\n")
		sep = ","
		for i, v := range row {
			raw, err := marshal(v)
			if err != nil {
				return err
			}
			out.WriteByte("{,"[min(i, 1)])
			out.Write(names[i])
			out.Write(raw)
		}
		out.WriteByte('}')
	}
	if sep == "[" {
		out.WriteByte('[')
	} else {
		out.WriteByte('\n')
	}
	out.WriteString("]\n")
	return out.Flush()
}

// marshal is a value in JSON.
func marshal(v any) ([]byte, error) {
	switch x := v.(type) {
	case float64:
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return json.Marshal(strconv.FormatFloat(x, 'g', -1, 64))
		}
	case time.Time:
		return json.Marshal(x.Format(time.RFC3339Nano))
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, errs.Wrap(errs.Invalid, err, "a value of the answer has no JSON")
	}
	return raw, nil
}

// Text is a value as people and CSV write it; "" is NULL.
func Text(v any) (string, error) {
	switch x := v.(type) {
	case nil:
		return "", nil
	case string:
		return x, nil
	case []byte:
		return base64.StdEncoding.EncodeToString(x), nil
	case json.RawMessage:
		return string(x), nil
	case time.Time:
		return x.Format("2006-01-02 15:04:05.999999999"), nil
	case bool, int64, float64, json.Number:
		return fmt.Sprint(x), nil
	}
	raw, err := marshal(v)
	return string(raw), err
}
