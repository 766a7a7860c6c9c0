//go:build cgo && !no_duckdb

package duck

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/duckdb/duckdb-go/v2/mapping"
)

// ErrLimit says that there were more rows than asked for.
var ErrLimit = errors.New("there are more rows")

// exporting is the memory of the engine that writes a file.
const exporting = 1 << 30

// WriteParquet writes what was not read yet into a Parquet file: at most limit
// rows, unless limit is 0 or less, else it is ErrLimit. The engine of the
// answer may not reach files; another, which holds nothing else, does.
func (r *Rows) WriteParquet(ctx context.Context, path string, limit int) (err error) {
	columns, err := r.exact()
	if err != nil {
		return err
	}
	db, err := Open("", exporting, Settings{"autoload_known_extensions": "false", "autoinstall_known_extensions": "false", "temp_directory": ""})
	if err != nil {
		return err
	}
	defer db.Close()
	c, err := db.Connect()
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.Exec(ctx, "LOAD parquet; LOAD json; CREATE TABLE answer ("+r.definition()+")"); err != nil {
		return err
	}
	if err := r.into(ctx, c, limit); err != nil {
		return err
	}
	return c.Exec(ctx, "COPY (SELECT "+columns+" FROM answer) TO "+Text(path)+" (FORMAT parquet, COMPRESSION zstd)")
}

// exact are the columns as a Parquet file keeps them. It has no integers of 128
// bits, which sums are, and no offset of a time of day: the engine would make
// floats of the first and leave out the second.
func (r *Rows) exact() (string, error) {
	parts := r.names()
	for i, name := range parts {
		parts[i] = Quote(name)
		switch t := mapping.GetTypeId(r.types[i]); {
		case t == mapping.TypeHugeInt || t == mapping.TypeUHugeInt:
			parts[i] = "CAST(" + parts[i] + " AS DECIMAL(38,0)) AS " + parts[i]
		case holds(r.types[i], mapping.TypeHugeInt, mapping.TypeUHugeInt, mapping.TypeTimeTZ):
			return "", unreadable(r.Columns[i].Type)
		}
	}
	return strings.Join(parts, ", "), nil
}

// definition are the columns of a table like the answer.
func (r *Rows) definition() string {
	parts := r.names()
	for i, name := range parts {
		parts[i] = Quote(name) + " " + r.Columns[i].Type
	}
	return strings.Join(parts, ", ")
}

// names are the columns' names in a file: those that come twice are numbered.
func (r *Rows) names() []string {
	seen := map[string]bool{}
	names := make([]string, len(r.Columns))
	for i, c := range r.Columns {
		name := c.Name
		for n := 2; seen[strings.ToLower(name)]; n++ {
			name = fmt.Sprintf("%s_%d", c.Name, n)
		}
		seen[strings.ToLower(name)] = true
		names[i] = name
	}
	return names
}

// into hands the answer's vectors over to a table, as they are.
func (r *Rows) into(ctx context.Context, c *Conn, limit int) error {
	a, err := c.Append("main", "answer")
	if err != nil {
		return err
	}
	defer a.Close()
	for n := 0; ; {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		chunk := mapping.FetchChunk(r.result)
		if chunk.Ptr == nil {
			return a.Flush(ctx)
		}
		n += int(mapping.DataChunkGetSize(chunk))
		var state mapping.State
		if limit <= 0 || n <= limit {
			state = mapping.AppendDataChunk(a.appender, chunk)
		}
		mapping.DestroyDataChunk(&chunk)
		if limit > 0 && n > limit {
			return ErrLimit
		}
		if state == mapping.StateError {
			return failure(mapping.AppenderError(a.appender))
		}
	}
}
