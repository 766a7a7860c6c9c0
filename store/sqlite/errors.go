package sqlite

import (
	"context"
	"errors"

	"github.com/ncruces/go-sqlite3"

	"github.com/varvedb/varve/errs"
)

const nothingWritten = "nothing was written"

// classify gives an error of SQLite its kind, by result code and never by
// text. Errors that have a kind already stay as they are.
func classify(err error) error {
	if err == nil {
		return nil
	}
	var known *errs.Error
	if errors.As(err, &known) {
		return err
	}
	var code sqlite3.ErrorCode
	if !errors.As(err, &code) {
		return errs.Wrap(errs.Internal, err, "the database failed")
	}
	switch code {
	case sqlite3.BUSY, sqlite3.LOCKED:
		return errs.Wrap(errs.Unavailable, err, "another program is writing to the database; try again")
	case sqlite3.INTERRUPT:
		return errs.Wrap(errs.Unavailable, err, "the call was given up")
	case sqlite3.FULL:
		return errs.Wrap(errs.Unavailable, err, nothingWritten+": the disk of the database file is full; free some space on it and try again")
	case sqlite3.READONLY, sqlite3.PERM, sqlite3.AUTH:
		return errs.Wrap(errs.Unavailable, err, "the database file cannot be written; check the rights of the file and its folder")
	case sqlite3.CANTOPEN, sqlite3.NOLFS:
		return errs.Wrap(errs.Unavailable, err, "the database file cannot be opened; check that its folder exists and may be written")
	case sqlite3.IOERR:
		return unwritable(err)
	case sqlite3.PROTOCOL, sqlite3.NOMEM:
		return errs.Wrap(errs.Unavailable, err, unreachable)
	case sqlite3.CORRUPT, sqlite3.NOTADB, sqlite3.FORMAT:
		return errs.Wrap(errs.Internal, err, "the database file is damaged; restore a backup, or save what can be read with \"sqlite3 FILE .recover\"")
	case sqlite3.TOOBIG:
		return errs.Wrap(errs.TooLarge, err, "a value is longer than SQLite can hold")
	case sqlite3.CONSTRAINT:
		return constraint(err)
	}
	return errs.Wrap(errs.Internal, err, "the database failed")
}

const unreachable = "the database file cannot be read or written; check the disk"

// unwritable tells what failed on the disk. A full one is among the failures of
// writing: the library knows sqlite3.FULL only from limits of SQLite's own.
func unwritable(err error) error {
	var code sqlite3.ExtendedErrorCode
	errors.As(err, &code)
	switch code {
	case sqlite3.IOERR_WRITE, sqlite3.IOERR_FSYNC, sqlite3.IOERR_SHMSIZE:
		return errs.Wrap(errs.Unavailable, err, "the database file cannot be written; is the disk full? Free some space and try again, or check the disk")
	}
	return errs.Wrap(errs.Unavailable, err, unreachable)
}

func constraint(err error) error {
	var code sqlite3.ExtendedErrorCode
	errors.As(err, &code)
	switch code {
	case sqlite3.CONSTRAINT_PRIMARYKEY, sqlite3.CONSTRAINT_UNIQUE, sqlite3.CONSTRAINT_ROWID:
		return errs.Wrap(errs.Exists, err, "there is a row with this key already")
	}
	return errs.Wrap(errs.Invalid, err, "a rule of the table refuses the row")
}

// givenUp is the answer to a caller whose context ended.
func givenUp(ctx context.Context) error {
	return errs.Wrap(errs.Unavailable, context.Cause(ctx), "the call was given up")
}

var errClosed = errs.New(errs.Unavailable, "the database is closed")
