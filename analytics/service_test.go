package analytics_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/varvedb/varve/analytics"
	"github.com/varvedb/varve/errs"
)

// fake answers what it is told to, and counts.
type fake struct {
	ask    func(ctx context.Context, sql string) (analytics.Cursor, error)
	mu     sync.Mutex
	asked  int
	closed int
}

func (f *fake) Name() string { return "fake" }

func (f *fake) Query(ctx context.Context, sql string, _ []any) (analytics.Cursor, error) {
	f.mu.Lock()
	f.asked++
	f.mu.Unlock()
	return f.ask(ctx, sql)
}

func (f *fake) Close() error {
	f.closed++
	return nil
}

// blocks is a cursor of rows, some at a time.
type blocks struct {
	rows   [][]any
	err    error // after them
	closed int
}

func (b *blocks) Columns() []analytics.Column { return []analytics.Column{{Name: "n", Type: "BIGINT"}} }

func (b *blocks) Next() ([][]any, error) {
	n := min(3, len(b.rows))
	some := b.rows[:n]
	b.rows = b.rows[n:]
	if n == 0 && b.err != nil {
		return nil, b.err
	}
	return some, nil
}

func (b *blocks) Close() error {
	b.closed++
	return nil
}

func numbers(n int) *blocks {
	b := &blocks{}
	for i := range n {
		b.rows = append(b.rows, []any{int64(i)})
	}
	return b
}

func over(f *fake) *analytics.Service {
	return analytics.NewService(analytics.Options{Open: func(context.Context) (analytics.Engine, error) { return f, nil }})
}

func wantKind(t *testing.T, err error, want errs.Kind) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestWhatIsNoStatementReachesNoEngine(t *testing.T) {
	f := &fake{ask: func(context.Context, string) (analytics.Cursor, error) { return numbers(1), nil }}
	s := over(f)
	for sql, want := range map[string]errs.Kind{"": errs.Invalid, " \n\t": errs.Invalid, "SELECT \xff": errs.Invalid, "SELECT 1\x00": errs.Invalid,
		"SELECT '" + strings.Repeat("x", analytics.MaxText) + "'": errs.TooLarge} {
		_, err := s.Query(t.Context(), analytics.Question{SQL: sql})
		wantKind(t, err, want)
	}
	if f.asked != 0 {
		t.Errorf("the engine was asked %d times", f.asked)
	}
	longest := "SELECT '" + strings.Repeat("x", analytics.MaxText-9) + "'"
	if _, err := s.Query(t.Context(), analytics.Question{SQL: longest}); err != nil || f.asked != 1 {
		t.Errorf("the longest statement: %v", err)
	}
}

func TestAnswersAreHeldToTheirRows(t *testing.T) {
	s := over(&fake{ask: func(context.Context, string) (analytics.Cursor, error) { return numbers(10), nil }})
	for limit, want := range map[int]int{0: 10, -1: 10, 10: 10, 11: 10, 9: 9, 1: 1} {
		rows, err := s.Query(t.Context(), analytics.Question{SQL: "x", Limits: analytics.Limits{Rows: limit}})
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		var failed error
		for row, err := range rows.All() {
			if failed = err; err == nil && row[0] != int64(n) {
				t.Errorf("row %d is %v", n, row)
			} else if err == nil {
				n++
			}
		}
		if n != want {
			t.Errorf("a limit of %d gave %d rows", limit, n)
		}
		if want < 10 {
			wantKind(t, failed, errs.TooLarge)
		} else if failed != nil {
			t.Error(failed)
		}
		if _, err := rows.Slice(); want == 10 && err != nil {
			t.Errorf("after the end: %v", err)
		}
	}
}

func TestAnErrorAfterSomeRowsIsSaid(t *testing.T) {
	b := numbers(4)
	b.err = errs.New(errs.Internal, "broken")
	rows, err := over(&fake{ask: func(context.Context, string) (analytics.Cursor, error) { return b, nil }}).Query(t.Context(), analytics.Question{SQL: "x"})
	if err != nil {
		t.Fatal(err)
	}
	got, err := rows.Slice()
	if got != nil || err != b.err {
		t.Errorf("%v, %v", got, err)
	}
	if err := errors.Join(rows.Close(), rows.Close()); err != nil || b.closed != 2 {
		t.Errorf("closing: %v", err)
	}
	wantKind(t, rows.WriteFile(t.Context(), "x", analytics.Parquet), errs.Unsupported)
}

// A limit of time is told from a caller who goes away, and both from an error
// of the engine's own.
func TestWhoGaveAQuestionUp(t *testing.T) {
	waits := &fake{ask: func(ctx context.Context, _ string) (analytics.Cursor, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}}
	_, err := over(waits).Query(t.Context(), analytics.Question{SQL: "x", Limits: analytics.Limits{Time: 1}})
	wantKind(t, err, errs.TooLarge)
	ctx, cancel := context.WithCancel(t.Context())
	gone := &fake{ask: func(within context.Context, _ string) (analytics.Cursor, error) {
		cancel()
		<-within.Done()
		return nil, within.Err()
	}}
	_, err = over(gone).Query(ctx, analytics.Question{SQL: "x", Limits: analytics.Limits{Time: -1}})
	wantKind(t, err, errs.Unavailable)
	broken := &fake{ask: func(ctx context.Context, _ string) (analytics.Cursor, error) {
		if _, ok := ctx.Deadline(); ok {
			t.Error("there is a limit of time where none was asked for")
		}
		return nil, errs.New(errs.Internal, "broken")
	}}
	_, err = over(broken).Query(t.Context(), analytics.Question{SQL: "x", Limits: analytics.Limits{Time: -1}})
	wantKind(t, err, errs.Internal)
}

// An engine is opened by the first question, once for all, and where that
// fails by the next one again.
func TestTheEngineIsOpenedOnceAndClosedOnce(t *testing.T) {
	f := &fake{ask: func(context.Context, string) (analytics.Cursor, error) { return numbers(1), nil }}
	opened := 0
	s := analytics.NewService(analytics.Options{Open: func(context.Context) (analytics.Engine, error) {
		if opened++; opened == 1 {
			return nil, errs.New(errs.Unavailable, "not yet")
		}
		return f, nil
	}})
	_, err := s.Query(t.Context(), analytics.Question{SQL: "x"})
	wantKind(t, err, errs.Unavailable)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if _, err := s.Query(t.Context(), analytics.Question{SQL: "x"}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if name, err := s.Engine(t.Context()); name != "fake" || err != nil || opened != 2 || f.asked != 8 {
		t.Errorf("%q, %v; opened %d times, asked %d times", name, err, opened, f.asked)
	}
	if err := s.Close(); err != nil || f.closed != 1 {
		t.Errorf("%v; closed %d times", err, f.closed)
	}
	_, err = s.Query(t.Context(), analytics.Question{SQL: "x"})
	wantKind(t, err, errs.Unavailable)
	never := analytics.NewService(analytics.Options{})
	if err := never.Close(); err != nil {
		t.Error(err)
	}
	_, err = never.Engine(t.Context())
	wantKind(t, err, errs.Unavailable)
}
