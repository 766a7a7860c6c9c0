package analytics

import (
	"bufio"
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
	"time"

	"github.com/varvedb/varve/errs"
)

// Form is a form of an answer.
type Form string

// The forms. Parquet and Arrow are files that the engine writes.
const (
	Table   Form = "table"
	CSV     Form = "csv"
	JSON    Form = "json"
	Parquet Form = "parquet"
	Arrow   Form = "arrow"
)

// InFile tells whether the form is a file of the engine's.
func (f Form) InFile() bool { return f == Parquet || f == Arrow }

func unsupported(form Form) error {
	return errs.Field(errs.Unsupported, "format", "this program cannot write %s; ask for csv or json", form)
}

// Unsupported is the error of an engine for a form that it does not know.
func Unsupported(form Form) error { return unsupported(form) }

// Write writes the rows as text: a table, CSV or JSON.
func (r *Rows) Write(w io.Writer, form Form) error {
	switch form {
	case Table:
		return r.WriteTable(w)
	case CSV:
		return r.WriteCSV(w)
	case JSON:
		return r.WriteJSON(w)
	}
	return unsupported(form)
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
