package main

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/varvedb/varve/lake"
	"github.com/varvedb/varve/page"
	"github.com/varvedb/varve/state"
)

type lakeLs struct {
	Under string  `arg:"" optional:"" name:"path" help:"Only files below this path."`
	AsOf  string  `help:"As it was at a time (2026-11-21T08:00:00Z) or a position (a number)." placeholder:"WHEN"`
	Label *string `short:"l" help:"Only with this label." placeholder:"LABEL"`
}

// Run lists files in the order of their paths.
func (l *lakeLs) Run(ctx context.Context, p *program, c *cli) error {
	return c.Lake.with(ctx, p, false, func(files *lake.Service) error {
		ask := files.List
		if l.AsOf != "" {
			at, err := pointOf(l.AsOf)
			if err != nil {
				return usage{err}
			}
			ask = files.AsOf(at).List
		}
		list, err := collect(func(r page.Request) (page.Page[lake.Record], error) { return ask(ctx, l.query(r)) })
		if err != nil {
			return err
		}
		list = slices.DeleteFunc(list, func(r lake.Record) bool {
			return l.Under != "" && !strings.HasPrefix(r.Value.Name().String(), strings.TrimSuffix(l.Under, "/")+"/")
		})
		slices.SortStableFunc(list, func(a, b lake.Record) int {
			return cmp.Or(cmp.Compare(a.Value.Name().String(), b.Value.Name().String()), cmp.Compare(text(a.Value.UserID), text(b.Value.UserID)))
		})
		if p.json {
			return writeJSON(p.stdout, recordsOf(list))
		}
		return p.printFiles(list)
	})
}

func (l *lakeLs) query(r page.Request) state.Query {
	q := state.Query{Request: r}
	if l.Label != nil {
		q.Where = []state.Condition{{Column: "labels", Op: state.Has, Value: *l.Label}}
	}
	return q
}

func (p *program) printFiles(list []lake.Record) error {
	now := time.Now()
	rows := [][]string{{"FILE", "SIZE", "VERSION", "STATUS", "LABELS", "USER", "CHANGED"}}
	for _, r := range list {
		f := r.Value
		rows = append(rows, []string{f.Name().String(), size(f.Size), strconv.FormatInt(r.Version, 10),
			text(f.Status), labels(f.Labels), text(f.UserID), ago(now, r.At)})
	}
	return writeTable(p.stdout, used(rows), "no files")
}

// tellFile tells what was done to a file.
func (p *program) tellFile(done string, r lake.Record, err error) error {
	if err != nil {
		return err
	}
	if p.json {
		return writeJSON(p.stdout, recordOf(r))
	}
	p.print("%s %s  %s, version %d", done, line(r.Value.Name().String()), size(r.Value.Size), r.Version)
	return nil
}

type lakeLog struct{ fileName }

// Run lists the versions of a file.
func (l *lakeLog) Run(ctx context.Context, p *program, c *cli) error {
	n, err := l.name()
	if err != nil {
		return err
	}
	return c.Lake.with(ctx, p, false, func(files *lake.Service) error {
		list, err := collect(func(r page.Request) (page.Page[lake.Record], error) { return files.History(ctx, n, r) })
		if err != nil {
			return noFile(n, err)
		}
		if p.json {
			return writeJSON(p.stdout, recordsOf(list))
		}
		return p.printVersions(list)
	})
}

func (p *program) printVersions(list []lake.Record) error {
	now := time.Now()
	rows := [][]string{{"VERSION", "WHEN", "WHAT", "BY", "SIZE", "SHA-256", "STATUS"}}
	for _, r := range list {
		row := []string{strconv.FormatInt(r.Version, 10), ago(now, r.At), string(r.Op), r.Actor, "", "", text(r.Value.Status)}
		if r.Op != state.OpDelete {
			row[4], row[5] = size(r.Value.Size), short(r.Value.Hash, 13)
		}
		rows = append(rows, row)
	}
	return writeTable(p.stdout, used(rows), "no versions")
}

type lakeDiff struct {
	fileName
	From int64 `help:"The older version (default: the one before --to)." placeholder:"N"`
	To   int64 `help:"The newer version (default: the newest)." placeholder:"N"`
}

// Run prints the fields and, of texts, the lines that differ.
func (l *lakeDiff) Run(ctx context.Context, p *program, c *cli) error {
	n, err := l.name()
	if err != nil {
		return err
	}
	return c.Lake.with(ctx, p, false, func(files *lake.Service) error {
		before, after, err := l.versions(ctx, files, n)
		if err != nil {
			return noFile(n, err)
		}
		if p.json {
			return writeJSON(p.stdout, map[string]any{"from": recordOf(before), "to": recordOf(after)})
		}
		fields, err := changed(after.Value, before.Value)
		if err != nil {
			return err
		}
		p.print("%s: version %d to %d: %s", line(n.String()), before.Version, after.Version, cmp.Or(fields, "nothing differs"))
		return p.printLines(ctx, files, before, after)
	})
}

func (l *lakeDiff) versions(ctx context.Context, files *lake.Service, n lake.Name) (before, after lake.Record, err error) {
	after, err = (&then{At: l.To}).record(ctx, files, n)
	if err != nil {
		return before, after, err
	}
	before, err = (&then{At: cmp.Or(l.From, max(1, after.Version-1))}).record(ctx, files, n)
	return before, after, err
}

// maxCompared bounds the texts whose lines are compared.
const maxCompared = 1 << 20

func (p *program) printLines(ctx context.Context, files *lake.Service, before, after lake.Record) error {
	if before.Value.Hash == after.Value.Hash {
		return nil
	}
	a, isText, err := textLines(ctx, files, before)
	if err != nil || !isText {
		return err
	}
	b, isText, err := textLines(ctx, files, after)
	if err != nil || !isText {
		return err
	}
	for _, l := range compareLines(a, b) {
		p.print("%s", block(l))
	}
	return nil
}

// textLines are those of a version that is a text of no great size.
func textLines(ctx context.Context, files *lake.Service, r lake.Record) (list []string, isText bool, err error) {
	if r.Value.Size > maxCompared {
		return nil, false, nil
	}
	body, err := files.Read(ctx, r)
	if err != nil {
		return nil, false, err
	}
	defer body.Close()
	raw, err := io.ReadAll(body)
	if err != nil || !utf8.Valid(raw) || bytes.IndexByte(raw, 0) >= 0 {
		return nil, false, err
	}
	return strings.Split(strings.TrimSuffix(string(raw), "\n"), "\n"), true, nil
}
