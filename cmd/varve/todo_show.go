package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/varvedb/varve/page"
	"github.com/varvedb/varve/state"
	"github.com/varvedb/varve/todo"
)

type todoList struct {
	All    bool    `short:"a" help:"What is done too."`
	Label  *string `short:"l" help:"Only with this label." placeholder:"LABEL"`
	Status *string `help:"Only with this status." placeholder:"STATUS"`
}

// Run lists items.
func (l *todoList) Run(ctx context.Context, p *program, c *cli) error {
	return c.Todo.with(ctx, p, false, func(todos *todo.Service) error {
		list, err := collect(func(r page.Request) (page.Page[todo.Record], error) {
			return todos.List(ctx, state.Query{Where: l.where(), Request: r})
		})
		if err != nil {
			return err
		}
		if p.json {
			return writeJSON(p.stdout, recordsOf(list))
		}
		return p.printItems(list)
	})
}

func (l *todoList) where() (where []state.Condition) {
	if l.Label != nil {
		where = append(where, state.Condition{Column: "labels", Op: state.Has, Value: *l.Label})
	}
	switch {
	case l.Status != nil:
		where = append(where, state.Condition{Column: "status", Op: state.Equal, Value: *l.Status})
	case !l.All:
		where = append(where, state.Condition{Column: "status", Op: state.NotEqual, Value: todo.Done})
	}
	return where
}

// collect walks a listing to its end.
func collect[T any](ask func(page.Request) (page.Page[T], error)) ([]T, error) {
	list := []T{}
	for item, err := range walk(ask) {
		if err != nil {
			return nil, err
		}
		list = append(list, item)
	}
	return list, nil
}

func (p *program) printItems(list []todo.Record) error {
	now := time.Now()
	rows := [][]string{{"ID", "PRIORITY", "TO DO", "STATUS", "LABELS", "USER", "CHANGED"}}
	for _, r := range list {
		i := r.Value
		rows = append(rows, []string{i.ID, number(i.Priority), what(i), text(i.Status), labels(i.Labels), text(i.UserID), ago(now, r.At)})
	}
	return writeTable(p.stdout, used(rows), "nothing to do")
}

// used leaves out the columns that no row uses.
func used(rows [][]string) [][]string {
	for i := len(rows[0]) - 1; i > 0; i-- {
		if slices.ContainsFunc(rows[1:], func(row []string) bool { return row[i] != "" }) {
			continue
		}
		for n := range rows {
			rows[n] = slices.Delete(rows[n], i, i+1)
		}
	}
	return rows
}

// what an item says on one line.
func what(i todo.Item) string {
	parts := slices.DeleteFunc([]string{text(i.Subject), text(i.Body)}, func(s string) bool { return s == "" })
	return short(strings.Join(parts, ": "), 60)
}

func labels(list []string) string { return short(strings.Join(list, " · "), 40) }

// text is what a field holds, "" where it is NULL.
func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func number(n *int64) string {
	if n == nil {
		return ""
	}
	return strconv.FormatInt(*n, 10)
}

// tellItem tells what was done to an item.
func (p *program) tellItem(done string, r todo.Record) error {
	if p.json {
		return writeJSON(p.stdout, recordOf(r))
	}
	return p.telling(done)(r)
}

func (p *program) telling(done string) func(todo.Record) error {
	return func(r todo.Record) error {
		p.print("%s %s  %s", done, line(r.Value.ID), what(r.Value))
		return nil
	}
}

type todoShow struct{ ids }

// Run shows items with all fields.
func (s *todoShow) Run(ctx context.Context, p *program, c *cli) error {
	return c.Todo.with(ctx, p, false, func(todos *todo.Service) error {
		return s.each(p, func(id string) (todo.Record, error) { return todos.Get(ctx, id) }, p.showItem)
	})
}

func (p *program) showItem(r todo.Record) error {
	i := r.Value
	for _, field := range [][2]string{
		{"id", i.ID}, {"user", text(i.UserID)}, {"subject", text(i.Subject)}, {"body", text(i.Body)}, {"priority", number(i.Priority)},
		{"status", text(i.Status)}, {"description", text(i.Description)}, {"labels", labels(i.Labels)},
		{"changed", fmt.Sprintf("%s, version %d", ago(time.Now(), r.At), r.Version)},
	} {
		if field[1] == "" {
			continue
		}
		value := strings.ReplaceAll(block(field[1]), "\n", "\n             ")
		p.print("%-12s %s", field[0], value)
	}
	return nil
}

type todoHistory struct {
	Item string `arg:"" optional:"" name:"id" help:"The item's id."`
	ID   string `name:"id" help:"The same." placeholder:"ID"`
}

// Run lists the versions of an item.
func (h *todoHistory) Run(ctx context.Context, p *program, c *cli) error {
	id := cmp.Or(h.ID, h.Item)
	if id == "" {
		return errNoItem
	}
	return c.Todo.with(ctx, p, false, func(todos *todo.Service) error {
		list, err := collect(func(r page.Request) (page.Page[todo.Record], error) { return todos.History(ctx, id, r) })
		if err != nil {
			return about(id, err)
		}
		if p.json {
			return writeJSON(p.stdout, recordsOf(list))
		}
		return printHistory(p, list)
	})
}

// printHistory prints versions, newest first, with what each changed.
func printHistory[T any](p *program, list []state.RecordOf[T]) error {
	now := time.Now()
	rows := [][]string{{"VERSION", "WHEN", "WHAT", "BY", "CHANGED"}}
	for i, r := range list {
		var before T
		if i+1 < len(list) && r.Version > 1 {
			before = list[i+1].Value
		}
		diff, err := changed(r.Value, before)
		if err != nil {
			return err
		}
		if r.Op == state.OpDelete {
			diff = ""
		}
		rows = append(rows, []string{strconv.FormatInt(r.Version, 10), ago(now, r.At), string(r.Op), r.Actor, diff})
	}
	return writeTable(p.stdout, used(rows), "no versions")
}
