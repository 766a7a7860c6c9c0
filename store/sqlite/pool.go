package sqlite

import (
	"context"
	"sync"
)

// pool lends connections for reading. They are opened when needed, kept when
// idle, and each is used by one call at a time.
type pool struct {
	open  func() (*conn, error)
	slots chan struct{} // one for every connection that may be in use

	mu     sync.Mutex
	idle   []*conn // the last one used is taken first: its cache is warm
	closed bool
}

func newPool(size int, open func() (*conn, error)) *pool {
	return &pool{open: open, slots: make(chan struct{}, size)}
}

// read runs fn on a connection and interrupts it when ctx ends.
func (p *pool) read(ctx context.Context, fn func(*conn) error) error {
	c, err := p.take(ctx)
	if err != nil {
		return err
	}
	defer p.give(c)
	c.db.SetInterrupt(ctx)
	err = fn(c)
	c.db.SetInterrupt(context.Background())
	c.rollback() // an interrupt may have come before the read's own COMMIT
	if err != nil && ctx.Err() != nil {
		return givenUp(ctx)
	}
	return err
}

func (p *pool) take(ctx context.Context) (*conn, error) {
	if ctx.Err() != nil {
		return nil, givenUp(ctx)
	}
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, givenUp(ctx)
	}
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		<-p.slots
		return nil, errClosed
	}
	if n := len(p.idle); n > 0 {
		c := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		return c, nil
	}
	p.mu.Unlock()
	c, err := p.open()
	if err != nil {
		<-p.slots
	}
	return c, err
}

func (p *pool) give(c *conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		c.close()
	} else {
		p.idle = append(p.idle, c)
	}
	<-p.slots
}

// close closes idle connections now and the others when they are given back.
func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, c := range p.idle {
		c.close()
	}
	p.idle = nil
}
