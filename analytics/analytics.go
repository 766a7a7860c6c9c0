// Package analytics asks questions in SQL over everything a database holds:
// versioned tables, each as it is, with its history and as it was, beside
// conversations.
//
//	rows, err := db.SQL(ctx, `SELECT status, count(*) FROM todos GROUP BY ALL`)
//	defer rows.Close()
//	err = rows.WriteTable(os.Stdout)
//
// Questions only read. What keeps them to that is the engine: it cannot reach
// files, the network, extensions or its own settings, and it is held to limits
// of time, memory and rows. An [Engine] is the columnar mirror of package
// analytics/duckdb, or where that is not linked the database itself, if it can.
package analytics

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/varvedb/varve/errs"
)

// Limits bound a question; 0 is a default, less is no limit of ours.
type Limits struct {
	Time time.Duration // until the first row; 30 s
	Rows int           // of the answer: more are errs.TooLarge; 1,000,000
}

// The defaults.
const (
	DefaultTime   = 30 * time.Second
	DefaultRows   = 1_000_000
	DefaultMemory = 1 << 30
	// MaxText bounds a statement: what is longer was written by a program,
	// which can say it in arguments. Nesting is bounded with it.
	MaxText = 64 << 10
)

// Question is one SELECT, with arguments for its placeholders: nil, bool,
// int64, float64, string, []byte or time.Time.
type Question struct {
	SQL  string
	Args []any
	Limits
}

// Engine answers questions.
type Engine interface {
	// Name says who answers, as its users call it: "DuckDB".
	Name() string
	// Query answers a question about everything that was committed before the
	// call. Anything but one SELECT is errs.Invalid, and so is what the engine
	// does not know; what would reach outside is errs.Forbidden; what needs
	// more memory than there is errs.TooLarge. It ends with ctx, soon: an engine that cannot
	// stop at once is not waited for.
	Query(ctx context.Context, sql string, args []any) (Cursor, error)
	// Close gives back what the engine holds, after the questions that run.
	Close() error
}

// Column is a column of an answer. Type is the engine's word for what it holds.
type Column struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

// Cursor is an engine's answer, read once.
type Cursor interface {
	// Columns describes the answer.
	Columns() []Column
	// Next returns some rows; none and no error are the end. NULL is nil, a
	// number int64, float64 or json.Number, a moment time.Time, bytes []byte,
	// JSON json.RawMessage; what is nested marshals into JSON, and all else is
	// string or bool.
	Next() ([][]any, error)
	// Close gives back what the answer holds. It may be called twice.
	Close() error
}

// A FormCursor writes its answer, in place of Next, in forms that the engine
// knows: Parquet and Arrow. Cursors may be one. Both methods write at most
// limit rows, unless that is 0 or less; more are errs.TooLarge.
type FormCursor interface {
	// WriteStream writes Arrow's stream. What an error cuts short cannot be
	// read as a whole stream.
	WriteStream(ctx context.Context, w io.Writer, limit int) error
	// WriteFile writes a new file at path, Parquet or ArrowFile.
	WriteFile(ctx context.Context, path string, form Form, limit int) error
}

// A Forgetter is an engine that keeps copies of rows. Engines may be one.
type Forgetter interface {
	// Forget deletes all copies, so that nothing of rows that are gone from the
	// database is left; they are made again when they are needed.
	// errs.Unavailable where another process has them.
	Forget(ctx context.Context) error
}

// Options tune a [Service].
type Options struct {
	// Open makes the engine, at the first question.
	Open func(context.Context) (Engine, error)
}

// Service is what callers hold: it checks questions, opens the engine when the
// first comes, and holds answers to their limits.
type Service struct {
	opt Options

	mu     sync.Mutex
	engine Engine
	closed bool
}

// NewService makes a service; nothing is opened yet.
func NewService(opt Options) *Service { return &Service{opt: opt} }

// Query answers a question. The rows are to be closed.
func (s *Service) Query(ctx context.Context, q Question) (*Rows, error) {
	switch {
	case len(q.SQL) > MaxText:
		return nil, errs.Field(errs.TooLarge, "sql", "is %d bytes long; %d are the most, give values as arguments", len(q.SQL), MaxText)
	case !utf8.ValidString(q.SQL) || strings.ContainsRune(q.SQL, 0):
		return nil, errs.Field(errs.Invalid, "sql", "must be UTF-8 without NUL")
	case strings.TrimSpace(q.SQL) == "":
		return nil, errs.Field(errs.Invalid, "sql", "is missing")
	}
	engine, err := s.opened(ctx)
	if err != nil {
		return nil, err
	}
	if q.Time == 0 {
		q.Time = DefaultTime
	}
	if q.Rows == 0 {
		q.Rows = DefaultRows
	}
	within := ctx
	if q.Time > 0 {
		var cancel context.CancelFunc
		within, cancel = context.WithTimeoutCause(ctx, q.Time, errTime)
		defer cancel()
	}
	cursor, err := engine.Query(within, q.SQL, q.Args)
	if err != nil {
		return nil, givenUp(ctx, within, err)
	}
	return &Rows{cursor: cursor, Columns: cursor.Columns(), limit: q.Rows}, nil
}

var errTime = errs.Field(errs.TooLarge, "sql", "the statement took longer than it may; ask for less, or raise the limit of time")

// givenUp tells a limit of ours from a caller who went away.
func givenUp(ctx, within context.Context, err error) error {
	if ctx.Err() != nil {
		return errs.Wrap(errs.Unavailable, context.Cause(ctx), "the question was given up")
	}
	if within.Err() != nil && errors.Is(context.Cause(within), errTime) {
		return errTime
	}
	return err
}

// Engine names who answers; it is opened for that.
func (s *Service) Engine(ctx context.Context) (string, error) {
	e, err := s.opened(ctx)
	if err != nil {
		return "", err
	}
	return e.Name(), nil
}

// Forget has the engine delete its copies of rows, and tells whether it is one
// that does. kept: there are copies, so that an engine which is not open yet is
// opened for it; else there are none without one.
func (s *Service) Forget(ctx context.Context, kept bool) (bool, error) {
	s.mu.Lock()
	open := s.engine != nil
	s.mu.Unlock()
	if !open && !kept {
		return false, nil
	}
	e, err := s.opened(ctx)
	if errs.KindOf(err) == errs.Unsupported {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	f, ok := e.(Forgetter)
	if !ok {
		return false, nil
	}
	return true, f.Forget(ctx)
}

func (s *Service) opened(ctx context.Context) (Engine, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errs.New(errs.Unavailable, "the database is closed")
	}
	if s.engine == nil {
		e, err := s.opt.Open(ctx)
		if err != nil {
			return nil, err
		}
		s.engine = e
	}
	return s.engine, nil
}

// Close closes the engine if there is one.
func (s *Service) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	if s.engine == nil {
		return nil
	}
	return s.engine.Close()
}
