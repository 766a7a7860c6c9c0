//go:build cgo && !no_duckdb

package duck

/*
#include <stdint.h>
#include <stdlib.h>

// Arrow's C data interface, as its specification has it.
struct ArrowSchema {
	const char *format, *name, *metadata;
	int64_t flags, n_children;
	struct ArrowSchema **children, *dictionary;
	void (*release)(struct ArrowSchema *);
	void *private_data;
};
struct ArrowArray {
	int64_t length, null_count, offset, n_buffers, n_children;
	const void **buffers;
	struct ArrowArray **children, *dictionary;
	void (*release)(struct ArrowArray *);
	void *private_data;
};

// What the engine has for it, which the driver shows under a build tag only.
// Its handles are pointers that nobody else looks behind.
extern void duckdb_connection_get_arrow_options(void *connection, void **out);
extern void duckdb_destroy_arrow_options(void **options);
extern void *duckdb_to_arrow_schema(void *options, void **types, const char **names, uint64_t n, struct ArrowSchema *out);
extern void *duckdb_data_chunk_to_arrow(void *options, void *chunk, struct ArrowArray *out);
extern const char *duckdb_error_data_message(void *error);
extern _Bool duckdb_error_data_has_error(void *error);
extern void duckdb_destroy_error_data(void **error);
*/
import "C"

import (
	"context"
	"errors"
	"io"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/cdata"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/duckdb/duckdb-go/v2/mapping"

	"github.com/varvedb/varve/errs"
)

// batches takes record batches in one of Arrow's two layouts.
type batches interface {
	Write(arrow.RecordBatch) error
	Close() error
}

// WriteArrow writes what was not read yet in Arrow's format: as a stream, or
// with file as a file that can be read from any place. It writes at most limit
// rows, unless limit is 0 or less, else it is ErrLimit. A stream that an error
// cuts short ends in the middle of a message, so that nobody takes it for the
// whole answer.
func (r *Rows) WriteArrow(ctx context.Context, w io.Writer, file bool, limit int) (err error) {
	var options unsafe.Pointer
	C.duckdb_connection_get_arrow_options(r.conn.Ptr, &options)
	defer C.duckdb_destroy_arrow_options(&options)
	schema, err := r.arrowSchema(options)
	if err != nil {
		return err
	}
	var to batches
	if !file {
		to = ipc.NewWriter(w, ipc.WithSchema(schema))
	} else if to, err = ipc.NewFileWriter(w, ipc.WithSchema(schema)); err != nil {
		return unwritten(err)
	}
	if err = r.arrowBatches(ctx, options, schema, to, limit); err == nil {
		return unwritten(to.Close())
	}
	if !file {
		// The beginning of a message: its mark, that it has 255 bytes, and one
		// of them. That it cannot be written says no more than err.
		_, _ = w.Write([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0})
	}
	return err
}

func (r *Rows) arrowBatches(ctx context.Context, options unsafe.Pointer, schema *arrow.Schema, to batches, limit int) error {
	for n := 0; ; {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		chunk := mapping.FetchChunk(r.result)
		if chunk.Ptr == nil {
			return nil
		}
		n += int(mapping.DataChunkGetSize(chunk))
		if limit > 0 && n > limit {
			mapping.DestroyDataChunk(&chunk)
			return ErrLimit
		}
		batch, err := arrowBatch(options, schema, chunk)
		mapping.DestroyDataChunk(&chunk)
		if err != nil {
			return err
		}
		err = to.Write(batch)
		batch.Release()
		if err != nil {
			return unwritten(err)
		}
	}
}

func (r *Rows) arrowSchema(options unsafe.Pointer) (*arrow.Schema, error) {
	n := len(r.types)
	for i, t := range r.types {
		// Of these the engine hands over something else than the value.
		if holds(t, mapping.TypeBit, mapping.TypeUHugeInt, mapping.TypeTimeTZ) {
			return nil, unreadable(r.Columns[i].Type)
		}
	}
	types := (*unsafe.Pointer)(C.calloc(C.size_t(n), C.size_t(unsafe.Sizeof(unsafe.Pointer(nil)))))
	names := (**C.char)(C.calloc(C.size_t(n), C.size_t(unsafe.Sizeof(unsafe.Pointer(nil)))))
	defer C.free(unsafe.Pointer(types))
	defer C.free(unsafe.Pointer(names))
	for i, name := range r.names() {
		unsafe.Slice(types, n)[i] = r.types[i].Ptr
		text := C.CString(name)
		defer C.free(unsafe.Pointer(text))
		unsafe.Slice(names, n)[i] = text
	}
	out := (*C.struct_ArrowSchema)(C.calloc(1, C.sizeof_struct_ArrowSchema))
	defer C.free(unsafe.Pointer(out))
	if err := arrowError(C.duckdb_to_arrow_schema(options, types, names, C.uint64_t(n), out)); err != nil {
		return nil, err
	}
	// Importing takes it over.
	schema, err := cdata.ImportCArrowSchema((*cdata.CArrowSchema)(unsafe.Pointer(out)))
	if err != nil {
		return nil, errs.Wrap(errs.Unsupported, err, "the answer has a column that Arrow has no type for; cast it to VARCHAR")
	}
	return schema, nil
}

func arrowBatch(options unsafe.Pointer, schema *arrow.Schema, chunk mapping.DataChunk) (arrow.RecordBatch, error) {
	out := (*C.struct_ArrowArray)(C.calloc(1, C.sizeof_struct_ArrowArray))
	defer C.free(unsafe.Pointer(out))
	if err := arrowError(C.duckdb_data_chunk_to_arrow(options, chunk.Ptr, out)); err != nil {
		return nil, err
	}
	batch, err := cdata.ImportCRecordBatchWithSchema((*cdata.CArrowArray)(unsafe.Pointer(out)), schema)
	if err != nil {
		return nil, errs.Wrap(errs.Internal, err, "the answer cannot be made into Arrow's columns")
	}
	return batch, nil
}

// arrowError is the engine's error, which is given back with it.
func arrowError(e unsafe.Pointer) error {
	defer C.duckdb_destroy_error_data(&e)
	if e == nil || !bool(C.duckdb_error_data_has_error(e)) {
		return nil
	}
	return failure(C.GoString(C.duckdb_error_data_message(e)))
}

// unwritten is err, of whatever kind whoever took the bytes gave it.
func unwritten(err error) error {
	var kind errs.Kind
	if err == nil || errors.As(err, &kind) {
		return err
	}
	return errs.Wrap(errs.Unavailable, err, "the answer cannot be written")
}
