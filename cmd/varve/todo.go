package main

import (
	"context"
	"strings"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/state"
	"github.com/varvedb/varve/todo"
)

type todoCommand struct {
	place

	Add     todoAdd     `cmd:"" help:"Add something to do."`
	List    todoList    `cmd:"" help:"List what is to be done, most urgent first."`
	Done    todoDone    `cmd:"" help:"Mark as done."`
	Edit    todoEdit    `cmd:"" help:"Change what is given, and leave the rest."`
	Show    todoShow    `cmd:"" help:"Show all of one item."`
	History todoHistory `cmd:"" help:"List the versions of an item, newest first."`
	Undo    todoUndo    `cmd:"" help:"Take the newest change of an item back, a deletion too."`
	Delete  todoDelete  `cmd:"" help:"Delete; its history stays, and undo brings it back."`
}

func (c *todoCommand) with(ctx context.Context, p *program, makes bool, fn func(*todo.Service) error) error {
	return c.place.with(ctx, p, makes, func(r rooms) error { return fn(r.Todo) })
}

// todoFields are the fields of an item as flags.
type todoFields struct {
	Subject     *string  `help:"What it is about." placeholder:"TEXT"`
	Body        *string  `help:"What is to be done; the same as TEXT." placeholder:"TEXT"`
	Priority    *int64   `short:"p" help:"0 is most urgent; new items have 100." placeholder:"N"`
	Status      *string  `help:"done, or whatever you like." placeholder:"STATUS"`
	Description *string  `help:"More about it." placeholder:"TEXT"`
	Label       []string `short:"l" sep:"none" help:"A label; may be repeated." placeholder:"LABEL"`
}

// body takes the words of the command line for the body.
func (f *todoFields) body(words []string) error {
	if len(words) == 0 {
		return nil
	}
	if f.Body != nil {
		return usage{errs.Field(errs.Invalid, "body", "is given twice, as words and with --body")}
	}
	f.Body = new(strings.Join(words, " "))
	return nil
}

type todoAdd struct {
	Text []string `arg:"" optional:"" help:"What is to be done."`
	ID   string   `name:"id" help:"Its id (default: a short one)." placeholder:"ID"`
	todoFields
}

// Run adds an item.
func (a *todoAdd) Run(ctx context.Context, p *program, c *cli) error {
	if err := a.body(a.Text); err != nil {
		return err
	}
	if a.Body == nil && a.Subject == nil {
		return usage{errs.Field(errs.Invalid, "text", "say what is to be done")}
	}
	return c.Todo.with(ctx, p, true, func(todos *todo.Service) error {
		r, err := todos.Append(ctx, todo.Item{
			ID: a.ID, Subject: a.Subject, Body: a.Body, Priority: a.Priority,
			Status: a.Status, Description: a.Description, Labels: a.Label,
		})
		if err != nil {
			return err
		}
		return p.tellItem("added", r)
	})
}

// ids are the items that a command is about.
type ids struct {
	Item []string `arg:"" optional:"" name:"id" help:"The items' ids."`
	ID   []string `name:"id" sep:"none" help:"The same." placeholder:"ID"`
}

var errNoItem = usage{errs.Field(errs.Invalid, "id", "name an item; `varve todo list` has the ids")}

// each runs a verb on the items and tells what became of them.
func (i *ids) each(p *program, verb func(id string) (todo.Record, error), tell func(todo.Record) error) error {
	list := append(i.Item, i.ID...)
	if len(list) == 0 {
		return errNoItem
	}
	var all []record
	for _, id := range list {
		r, err := verb(id)
		if err != nil {
			return about(id, err)
		}
		if all = append(all, recordOf(r)); p.json {
			continue
		}
		if err := tell(r); err != nil {
			return err
		}
	}
	switch {
	case !p.json:
		return nil
	case len(all) == 1:
		return writeJSON(p.stdout, all[0])
	}
	return writeJSON(p.stdout, all)
}

// about says which item an error is about.
func about(id string, err error) error {
	if errs.KindOf(err) == errs.NotFound {
		return errs.Field(errs.NotFound, "id", "there is no item %q", id)
	}
	return err
}

type todoDone struct{ ids }

// Run marks items as done.
func (d *todoDone) Run(ctx context.Context, p *program, c *cli) error {
	return c.Todo.with(ctx, p, false, func(todos *todo.Service) error {
		return d.each(p, func(id string) (todo.Record, error) {
			return todos.Update(ctx, id, state.Row{"status": todo.Done})
		}, p.telling("done"))
	})
}

type todoUndo struct{ ids }

// Run takes changes back.
func (u *todoUndo) Run(ctx context.Context, p *program, c *cli) error {
	return c.Todo.with(ctx, p, false, func(todos *todo.Service) error {
		return u.each(p, func(id string) (todo.Record, error) { return todos.Undo(ctx, id) }, p.telling("undone"))
	})
}

type todoDelete struct{ ids }

// Run deletes items. It tells what was deleted.
func (d *todoDelete) Run(ctx context.Context, p *program, c *cli) error {
	return c.Todo.with(ctx, p, false, func(todos *todo.Service) error {
		return d.each(p, func(id string) (todo.Record, error) {
			was, err := todos.Get(ctx, id)
			if err == nil {
				err = todos.Delete(ctx, id)
			}
			return was, err
		}, p.telling("deleted"))
	})
}

type todoEdit struct {
	Item string   `arg:"" optional:"" name:"id" help:"The item's id."`
	Text []string `arg:"" optional:"" help:"A new body."`
	ID   string   `name:"id" help:"The item's id, if it is not the first word." placeholder:"ID"`
	todoFields
	Clear []string `enum:"subject,body,priority,status,description,labels" help:"Fields to empty: subject, body, status, description, labels; priority becomes 100." placeholder:"FIELD"`
	If    int64    `name:"if-version" help:"Only if the item is at this version." placeholder:"N"`
}

// Run changes the fields that are given.
func (e *todoEdit) Run(ctx context.Context, p *program, c *cli) error {
	if e.ID == "" {
		e.ID = e.Item
	} else if e.Item != "" {
		e.Text = append([]string{e.Item}, e.Text...)
	}
	if err := e.body(e.Text); err != nil {
		return err
	}
	row := e.row()
	if e.ID == "" || len(row) == 0 {
		return usage{errs.Field(errs.Invalid, "id", "name an item, and what is to change")}
	}
	return c.Todo.with(ctx, p, false, func(todos *todo.Service) error {
		if e.If != 0 {
			todos = todos.If(e.If)
		}
		r, err := todos.Update(ctx, e.ID, row)
		if err != nil {
			return about(e.ID, err)
		}
		return p.tellItem("changed", r)
	})
}

// row are the fields to change.
func (e *todoEdit) row() state.Row {
	row := state.Row{}
	for name, v := range map[string]*string{"subject": e.Subject, "body": e.Body, "status": e.Status, "description": e.Description} {
		if v != nil {
			row[name] = *v
		}
	}
	if e.Priority != nil {
		row["priority"] = *e.Priority
	}
	if e.Label != nil {
		row["labels"] = e.Label
	}
	for _, name := range e.Clear {
		if row[name] = nil; name == "priority" {
			row[name] = todo.DefaultPriority
		}
	}
	return row
}
