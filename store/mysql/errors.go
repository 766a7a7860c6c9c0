package mysql

import (
	"context"
	"crypto/tls"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/go-sql-driver/mysql"

	"github.com/varvedb/varve/errs"
)

// sqlError is what is kept of a server's error: its number. Messages quote
// rows, statements and users, and those are nobody's business in a log.
type sqlError struct {
	number uint16
	state  string
}

func (e *sqlError) Error() string { return fmt.Sprintf("error %d (%s)", e.number, e.state) }

// classify gives a driver's error its kind, by number and never by text.
func classify(err error) error {
	var known *errs.Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	var server *mysql.MySQLError
	if !errors.As(err, &server) {
		return errs.Wrap(errs.Unavailable, unreachable(err), "the database does not answer; does its server run, and at this address?")
	}
	kind, detail := kindOf(server.Number)
	return errs.Wrap(kind, &sqlError{server.Number, string(server.SQLState[:])}, "%s", detail)
}

// number is the server's number in a chain of errors, 0 for none.
func number(err error) uint16 {
	var own *sqlError
	if errors.As(err, &own) {
		return own.number
	}
	return 0
}

// unreachable keeps the reason and drops the address: errors of the network
// name it.
func unreachable(err error) error {
	for _, known := range []error{context.Canceled, context.DeadlineExceeded, driver.ErrBadConn, mysql.ErrInvalidConn} {
		if errors.Is(err, known) {
			return known
		}
	}
	var certificate *tls.CertificateVerificationError
	if errors.As(err, &certificate) {
		return errors.New("its certificate is not trusted; name the file of who signed it by ?ssl_ca=FILE")
	}
	return errors.New("no connection")
}

// The numbers that calls ask for.
const (
	duplicate = 1062
	lockWait  = 1205
	deadlock  = 1213
	changed   = 1020 // the record was changed since the snapshot
)

// lost tells whether a transaction was given up for another's sake, so that it
// can run again.
func lost(err error) bool {
	n := number(err)
	return n == deadlock || n == lockWait || n == changed
}

func kindOf(number uint16) (errs.Kind, string) {
	for _, c := range classes {
		for _, n := range c.numbers {
			if n == number {
				return c.kind, c.detail
			}
		}
	}
	return errs.Internal, "the database refused a statement"
}

var classes = []struct {
	kind    errs.Kind
	detail  string
	numbers []uint16
}{
	{errs.Exists, "another row has this key", []uint16{duplicate, 1586}},
	{errs.Unavailable, "the database gave the work up; try again", []uint16{deadlock, lockWait, changed, 1317, 1969, 3024, 1637}},
	{errs.Unavailable, "the database refuses this user or password, or takes them over encrypted connections only (?tls=true)", []uint16{1045, 1698, 1251, 1524, 3159}},
	{errs.Unavailable, "the database does not exist on this server, or this user may not use it", []uint16{1049, 1044}},
	{errs.Unavailable, "nothing was written: the disk of the database's server, or what it allows a table, is full; free some space there and try again", []uint16{1021, 1114}},
	{errs.Unavailable, "the database's server cannot write its files; look at its disk", []uint16{1026}},
	{errs.Unavailable, "the database has no connections left; allow it more, or let fewer programs have them", []uint16{1040, 1203, 1226}},
	{errs.Unavailable, "the database has no memory left; try again, or give it more", []uint16{1041, 1037, 1038}},
	{errs.Unavailable, "the database is read-only, a replica perhaps", []uint16{1290, 1836, 1792}},
	{errs.Unavailable, "the database is shutting down or starting", []uint16{1053, 1079, 1080, 1927, 3168}},
	{errs.Unsupported, "the database user may not do this; grant it the right", []uint16{1142, 1143, 1227, 1370, 1419}},
	{errs.Unsupported, "the binary log of this server is by statement; set binlog_format to ROW or MIXED", []uint16{1665}},
	{errs.Exists, "something else in the database has a name that Varve needs", []uint16{1050, 1060, 1061}},
	{errs.TooLarge, "a value is over a limit of the database", []uint16{1153, 1301, 1118, 1071, 139}},
	{errs.Invalid, "a value does not fit its column", []uint16{1406, 1366, 1264, 1265, 1292, 1048, 1364, 1300, 3988, 4025}},
}
