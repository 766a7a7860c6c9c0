package sqlite

import (
	"context"
	"strconv"
	"sync"

	"github.com/ncruces/go-sqlite3"

	"github.com/varvedb/varve/change"
)

var _ change.Stamper = (*Store)(nil)

// stamps has a connection of its own, since SQLite counts for each connection
// what others commit.
type stamps struct {
	mu     sync.Mutex
	conn   *conn
	closed bool
}

// Stamp implements change.Stamper, for writes of every program.
func (s *Store) Stamp(ctx context.Context) (string, error) {
	if err := s.outer(ctx); err != nil {
		return "", err
	}
	if ctx.Err() != nil {
		return "", givenUp(ctx)
	}
	s.stamps.mu.Lock()
	defer s.stamps.mu.Unlock()
	if s.stamps.closed {
		return "", errClosed
	}
	if s.stamps.conn == nil {
		c, err := openConn(s.path, sqlite3.OPEN_READWRITE, s.opt)
		if err != nil {
			return "", err
		}
		s.stamps.conn = c
	}
	c := s.stamps.conn
	c.db.SetInterrupt(ctx)
	n, err := c.number(`PRAGMA data_version`)
	c.db.SetInterrupt(context.Background())
	if err != nil && ctx.Err() != nil {
		err = givenUp(ctx)
	}
	return strconv.FormatInt(n, 10), err
}

func (s *stamps) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	if s.conn != nil {
		s.conn.close()
		s.conn = nil
	}
}
