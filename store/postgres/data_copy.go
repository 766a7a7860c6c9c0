package postgres

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/store/internal/sqlcore"
	"github.com/varvedb/varve/store/internal/sqlquery"
)

// copyRows streams rows into a table, in binary form where that is known for
// all of its columns.
func copyRows(ctx context.Context, in inner, l *layout, t *sqlquery.Table, rows [][]any, columns []int) error {
	names := make([]string, len(columns))
	natives := make([]string, len(columns))
	for i, c := range columns {
		names[i] = sqlcore.Quote(t.Native[c].Name)
		natives[i] = base(t.Native[c].Native)
	}
	sql := "COPY " + l.varve(t.Name) + " (" + strings.Join(names, ",") + ") FROM STDIN"
	f := &feed{rows: rows, columns: columns, natives: natives}
	f.row = f.textRow
	if !slices.ContainsFunc(natives, func(n string) bool { return !slices.Contains(binaryTypes, n) }) {
		sql += " (FORMAT binary)"
		f.row, f.end = f.binaryRow, []byte{0xff, 0xff}
		f.buf.WriteString("PGCOPY\n\xff\r\n\x00\x00\x00\x00\x00\x00\x00\x00\x00")
	}
	_, err := in.conn.PgConn().CopyFrom(ctx, f, sql)
	if f.err != nil {
		return f.err
	}
	return classify(err)
}

var binaryTypes = []string{"bigint", "integer", "smallint", "double precision", "real", "boolean", "timestamp with time zone",
	"timestamp without time zone", "bytea", "text", "character varying", "json", "jsonb"}

// feed is rows in one of COPY's forms, made as they are read.
type feed struct {
	rows    [][]any
	columns []int
	natives []string
	row     func([]any) error
	end     []byte
	buf     bytes.Buffer
	err     error
}

// Read implements io.Reader.
func (f *feed) Read(p []byte) (int, error) {
	const chunk = 64 << 10
	for f.buf.Len() < chunk && len(f.rows) > 0 {
		if f.err = f.row(f.rows[0]); f.err != nil {
			return 0, f.err
		}
		if f.rows = f.rows[1:]; len(f.rows) == 0 {
			f.buf.Write(f.end)
		}
	}
	if f.buf.Len() == 0 {
		return 0, io.EOF
	}
	return f.buf.Read(p)
}

func (f *feed) binaryRow(row []any) error {
	b := binary.BigEndian.AppendUint16(f.buf.AvailableBuffer(), uint16(len(f.columns)))
	for i, c := range f.columns {
		var err error
		if b, err = appendBinary(b, row[c], f.natives[i]); err != nil {
			return err
		}
	}
	f.buf.Write(b)
	return nil
}

func appendBinary(b []byte, v any, native string) ([]byte, error) {
	long := binary.BigEndian.AppendUint32
	switch v := v.(type) {
	case nil:
		return long(b, math.MaxUint32), nil
	case string:
		return append(long(b, uint32(len(v))), v...), nil
	case []byte:
		return append(long(b, uint32(len(v))), v...), nil
	case json.RawMessage:
		if native == "jsonb" {
			return append(append(long(b, uint32(len(v)+1)), 1), v...), nil
		}
		return append(long(b, uint32(len(v))), v...), nil
	case []float32:
		b = long(b, uint32(4*len(v)))
		for _, f := range v {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(f))
		}
		return b, nil
	case bool:
		if v {
			return append(long(b, 1), 1), nil
		}
		return append(long(b, 1), 0), nil
	case int64:
		return appendInteger(b, v, native)
	case float64:
		if native == "real" {
			return long(long(b, 4), math.Float32bits(float32(v))), nil
		}
		return binary.BigEndian.AppendUint64(long(b, 8), math.Float64bits(v)), nil
	case time.Time:
		return binary.BigEndian.AppendUint64(long(b, 8), uint64(v.UnixMicro()-epoch)), nil
	}
	return nil, errs.New(errs.Internal, "a value of type %T cannot be copied", v)
}

func appendInteger(b []byte, n int64, native string) ([]byte, error) {
	long := binary.BigEndian.AppendUint32
	switch {
	case native == "bigint":
		return binary.BigEndian.AppendUint64(long(b, 8), uint64(n)), nil
	case native == "integer" && n == int64(int32(n)):
		return long(long(b, 4), uint32(n)), nil
	case native == "smallint" && n == int64(int16(n)):
		return binary.BigEndian.AppendUint16(long(b, 2), uint16(n)), nil
	}
	return nil, errs.New(errs.Invalid, "a value does not fit its column")
}

func (f *feed) textRow(row []any) error {
	for i, c := range f.columns {
		if i > 0 {
			f.buf.WriteByte('\t')
		}
		switch v := row[c].(type) {
		case float64:
			f.buf.Write(strconv.AppendFloat(f.buf.AvailableBuffer(), v, 'g', -1, 64))
		case time.Time:
			f.buf.WriteString(v.UTC().Format("2006-01-02T15:04:05.999999Z"))
		case json.RawMessage:
			writeCopy(&f.buf, string(v))
		case []byte:
			f.buf.WriteString(`\\x`)
			f.buf.Write(hex.AppendEncode(f.buf.AvailableBuffer(), v))
		case []float32:
			f.buf.WriteString(`\\x`)
			f.buf.Write(hex.AppendEncode(f.buf.AvailableBuffer(), sqlquery.Vector(v)))
		default:
			writeCopy(&f.buf, v)
		}
	}
	f.buf.WriteByte('\n')
	return nil
}
