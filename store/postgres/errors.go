package postgres

import (
	"context"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/varvedb/varve/errs"
)

// sqlError is what is kept of a server's error. Messages and details of the
// data classes quote rows, and rows are nobody's business in a log.
type sqlError struct {
	code    string
	where   string // table or constraint
	message string
}

func (e *sqlError) Error() string {
	s := "SQLSTATE " + e.code
	if e.where != "" {
		s += " (" + e.where + ")"
	}
	if e.message != "" {
		s += ": " + e.message
	}
	return s
}

// classify gives a driver's error its kind, by code and never by text.
func classify(err error) error {
	var known *errs.Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return errs.Wrap(errs.Unavailable, unreachable(err), "the database does not answer; does its server run, and at this address?")
	}
	kind, detail := kindOf(pg.Code)
	return errs.Wrap(kind, reduce(pg), "%s", detail)
}

// code is the SQLSTATE in a chain of errors, "" for none.
func code(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code
	}
	var own *sqlError
	if errors.As(err, &own) {
		return own.code
	}
	return ""
}

// reduce drops what may quote data. Classes 22 (data), 23 (constraints) and
// P0 (raised by somebody's trigger) do; 28 (logins) quotes users.
func reduce(pg *pgconn.PgError) *sqlError {
	e := &sqlError{code: pg.Code, where: pg.TableName}
	if pg.ConstraintName != "" {
		e.where = pg.ConstraintName
	}
	switch pg.Code[:min(2, len(pg.Code))] {
	case "22", "23", "28", "P0":
	default:
		e.message = pg.Message
	}
	return e
}

// unreachable keeps the reason and drops the address: connection errors of the
// driver can name the user and parts of the URL.
func unreachable(err error) error {
	for _, known := range []error{context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, known) {
			return known
		}
	}
	var connect *pgconn.ConnectError
	if errors.As(err, &connect) {
		return errors.New("no connection")
	}
	return err
}

func kindOf(code string) (errs.Kind, string) {
	switch code {
	case "23505":
		return errs.Exists, "another row has this key"
	case "42501":
		return errs.Unsupported, "the database role may not do this; grant it the right"
	case "25006":
		return errs.Unavailable, "the database is read-only, a standby perhaps"
	case "42P07", "42710", "42723", "42701":
		return errs.Exists, "something else in the database has a name that Varve needs"
	case "28P01", "28000":
		return errs.Unavailable, "the database refuses this user or password"
	case "3D000":
		return errs.Unavailable, "the database does not exist on this server"
	case "53100":
		return errs.Unavailable, "nothing was written: the disk of the database's server is full; free some space there and try again"
	case "53300":
		return errs.Unavailable, "the database has no connections left; allow it more, or let fewer programs have them"
	case "58030":
		return errs.Unavailable, "the database's server cannot write or read its files; look at its disk"
	case "40001", "40P01", "55P03", "57014":
		return errs.Unavailable, "the database gave the work up; try again"
	}
	for _, class := range classes {
		if strings.HasPrefix(code, class.prefix) {
			return class.kind, class.detail
		}
	}
	return errs.Internal, "the database refused a statement"
}

var classes = []struct {
	prefix string
	kind   errs.Kind
	detail string
}{
	{"08", errs.Unavailable, "the connection to the database broke"},
	{"53", errs.Unavailable, "the database has no memory or other means left; try again, or give it more"},
	{"57P", errs.Unavailable, "the database is shutting down or starting"},
	{"58", errs.Unavailable, "the database's machine reports an error"},
	{"22", errs.Invalid, "a value does not fit its column"},
	{"23", errs.Invalid, "a value breaks a rule of its table"},
	{"54", errs.TooLarge, "a value is over a limit of the database"},
}

// hidden is the cause of an error without what may quote data.
func hidden(err error) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return reduce(pg)
	}
	return unreachable(err)
}
