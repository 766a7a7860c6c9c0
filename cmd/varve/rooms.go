package main

import (
	"context"
	"errors"

	"github.com/varvedb/varve/lake"
	"github.com/varvedb/varve/state"
	"github.com/varvedb/varve/todo"
)

// place says which database a command is about, and for whom it acts.
type place struct {
	Database string  `help:"Which database of the server or of varve.yaml (default: default)." placeholder:"NAME"`
	Key      string  `config:"" help:"The API key for a server that --url names; better in VARVE_KEY, where other users do not see it." placeholder:"KEY"`
	User     *string `help:"Act for this user: see and write what is theirs. Without it you see all, and what you write is nobody's." placeholder:"USER"`
}

// rooms are a database's versioned tables and what is built on them, wherever
// they are.
type rooms struct {
	State *state.Service
	Todo  *todo.Service
	Lake  *lake.Service
	Close func() error
}

// as are the rooms as a user has them.
func (r rooms) as(user *string) rooms {
	if user != nil {
		r.State, r.Todo, r.Lake = r.State.As(*user), r.Todo.As(*user), r.Lake.As(*user)
	}
	return r
}

// with runs fn on the rooms that a command asks for. A database that is not
// there is made for a command that writes something new; another one should
// say that this is the wrong folder.
func (pl *place) with(ctx context.Context, p *program, makes bool, fn func(rooms) error) (err error) {
	open, err := p.rooms(ctx, pl.Database, makes)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, open.Close()) }()
	return fn(open.as(pl.User))
}

func (p *program) rooms(ctx context.Context, name string, makes bool) (rooms, error) {
	open := p.openExisting
	if makes {
		open = p.openDatabase
	}
	at, err := p.find(ctx, name, open)
	if err != nil {
		return rooms{}, err
	}
	if at.server != nil {
		tables := state.NewService(at.server.State(), state.Options{})
		return rooms{tables, todo.New(tables), lake.New(tables, lake.Options{Bucket: at.server.Objects(), Enter: at.server.EnterFile}), at.Close}, nil
	}
	return rooms{at.db.State(), at.db.Todo(), at.db.Lake(), at.Close}, nil
}
