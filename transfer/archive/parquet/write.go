// Package parquet keeps an archive as tables: a Parquet file each for users,
// threads, steps, elements and feedbacks, which DuckDB, pandas and Spark read
// as they are. Rows come in the order of their threads' ids.
package parquet

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress"
	"github.com/parquet-go/parquet-go/compress/zstd"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/transfer/archive"
)

// versionKey is under what a file says its version.
const versionKey = "varve.version"

// A row group is written when it has about so much text: that much is in memory
// for each table.
const groupBytes = 8 << 20

// table writes one file.
type table[Row any] struct {
	file  *os.File
	out   *parquet.GenericWriter[Row]
	batch []Row
	size  int // of the row group so far
}

func create[Row any](folder, name string, codec compress.Codec) (*table[Row], error) {
	f, err := os.OpenFile(filepath.Join(folder, name+".parquet"), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, unwritten(err)
	}
	return &table[Row]{file: f, out: parquet.NewGenericWriter[Row](f,
		parquet.Compression(codec),
		parquet.CreatedBy("varve", strconv.Itoa(archive.Version), ""), // nothing that changes from build to build
		parquet.KeyValueMetadata(versionKey, strconv.Itoa(archive.Version)))}, nil
}

func (t *table[Row]) add(r Row, size int) error {
	t.batch = append(t.batch, r)
	if t.size += 64 + size; len(t.batch) < 256 && t.size < groupBytes {
		return nil
	}
	if err := t.pass(); err != nil || t.size < groupBytes {
		return err
	}
	t.size = 0
	return unwritten(t.out.Flush())
}

func (t *table[Row]) pass() error {
	_, err := t.out.Write(t.batch)
	clear(t.batch)
	t.batch = t.batch[:0]
	return unwritten(err)
}

func (t *table[Row]) close() error {
	err := t.pass()
	return errors.Join(err, unwritten(t.out.Close()), unwritten(t.file.Sync()), unwritten(t.file.Close()))
}

// tables is the archive.Sink.
type tables struct {
	users     *table[userRow]
	threads   *table[threadRow]
	steps     *table[stepRow]
	elements  *table[elementRow]
	feedbacks *table[feedbackRow]
}

// Create makes the tables in a folder.
func Create(folder string) (archive.Sink, error) {
	var t tables
	codec := &zstd.Codec{Level: zstd.SpeedDefault, Concurrency: 1} // one for all: each takes some 20 MB
	var failed [5]error
	t.users, failed[0] = create[userRow](folder, "users", codec)
	t.threads, failed[1] = create[threadRow](folder, "threads", codec)
	t.steps, failed[2] = create[stepRow](folder, "steps", codec)
	t.elements, failed[3] = create[elementRow](folder, "elements", codec)
	t.feedbacks, failed[4] = create[feedbackRow](folder, "feedbacks", codec)
	return &t, errors.Join(failed[:]...)
}

// User implements archive.Sink.
func (t *tables) User(u chat.User) error {
	r := fromUser(u)
	return t.users.add(r, len(r.Identifier)+len(r.Metadata))
}

// Thread implements archive.Sink.
func (t *tables) Thread(th *chat.Thread, files map[string]archive.File) error {
	r := fromThread(th)
	if err := t.threads.add(r, len(r.Name)+len(r.Metadata)); err != nil {
		return err
	}
	for i := range th.Steps {
		s := fromStep(&th.Steps[i])
		if err := t.steps.add(s, len(s.Input)+len(s.Output)+len(s.Metadata)+len(s.Generation)+len(s.Other)); err != nil {
			return err
		}
		if f := th.Steps[i].Feedback; f != nil {
			if err := t.feedback(f); err != nil {
				return err
			}
		}
	}
	for i := range th.Elements {
		f, stored := files[th.Elements[i].ID]
		e := fromElement(&th.Elements[i], f, stored)
		if err := t.elements.add(e, len(e.Props)+len(e.Other)+len(e.URL)); err != nil {
			return err
		}
	}
	for i := range th.Loose {
		if err := t.feedback(&th.Loose[i]); err != nil {
			return err
		}
	}
	return nil
}

func (t *tables) feedback(f *chat.Feedback) error {
	r := fromFeedback(f)
	n := 0
	if r.Comment != nil {
		n = len(*r.Comment)
	}
	return t.feedbacks.add(r, n)
}

// Close implements archive.Sink.
func (t *tables) Close() error {
	return errors.Join(t.users.close(), t.threads.close(), t.steps.close(), t.elements.close(), t.feedbacks.close())
}

func unwritten(err error) error {
	if err == nil {
		return nil
	}
	return errs.Wrap(errs.Unavailable, err, "the tables cannot be written; look at the disk space and permissions there")
}
