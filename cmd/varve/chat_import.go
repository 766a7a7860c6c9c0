package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/varvedb/varve"
	"github.com/varvedb/varve/all"
	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/internal/config"
	"github.com/varvedb/varve/server"
	"github.com/varvedb/varve/transfer"
	"github.com/varvedb/varve/transfer/archive"
	"github.com/varvedb/varve/transfer/archive/literal"
	"github.com/varvedb/varve/transfer/archive/parquet"
)

type importCommand struct {
	Path     string `arg:"" name:"path" help:"What export wrote, or threads and steps of literalai in JSON."`
	Erased   bool   `help:"Bring back people who were erased from the database, too."`
	DryRun   bool   `help:"Read and compare, and write nothing."`
	Replace  bool   `help:"Put what is imported in the place of what is there and differs."`
	NoVerify bool   `help:"Do not compare what is there with what was imported."`
}

// imported is the command's answer.
type imported struct {
	From     string            `json:"from"`
	To       string            `json:"to"`
	DryRun   bool              `json:"dryRun,omitempty"`
	Resumed  bool              `json:"resumed,omitempty"`
	Created  transfer.Count    `json:"created"`
	Kept     transfer.Count    `json:"kept"`
	Replaced transfer.Count    `json:"replaced"`
	Erased   int64             `json:"erased"`
	Differ   []string          `json:"differ"`
	Refused  []string          `json:"refused"`
	Notes    []string          `json:"notes"`
	Seconds  float64           `json:"seconds"`
	Verified *transfer.Verdict `json:"verified,omitempty"`
}

// Run imports. It ends with 1 when something was refused, or is there and
// differs.
func (i *importCommand) Run(ctx context.Context, p *program, c *cli) (err error) {
	from, err := archive.Open(ctx, archive.Source{Path: i.Path, Forms: []archive.Form{parquet.Form(), literal.Form()}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	to, err := i.destination(ctx, p, c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, to.close()) }()
	source, left, err := i.without(ctx, from.Side(), to)
	if err != nil {
		return err
	}
	job := &transfer.Copy{From: source, To: to.Side, DryRun: i.DryRun, Keep: true, Replace: i.Replace}
	job.Addresses = to.addresses
	job.Journal = p.journal(job.From.Name, job.To.Name, fmt.Sprint(i.Replace))
	out := imported{From: i.Path, To: job.To.Name, DryRun: i.DryRun, Notes: append([]string{}, transfer.Limits(job.From, job.To)...)}
	for _, note := range out.Notes {
		p.say("%s", note)
	}
	bar := p.bar("imported")
	job.Progress = bar.show
	err = job.Run(ctx)
	bar.end()
	if err != nil {
		return errs.Wrap(errs.KindOf(err), err, "the import stopped; run the same command again and it goes on where it stopped")
	}
	out.take(p, job)
	if out.Erased = left.Users; left.Users+left.Threads() > 0 {
		text := fmt.Sprintf("%d users who were erased since, and %d threads of erased people, are left out; --erased brings them back", left.Users, left.Threads())
		out.Notes = append(out.Notes, text)
		p.say("%s", text)
	}
	if err := i.verify(ctx, p, job, &out); err != nil {
		return err
	}
	return out.tell(p, job)
}

// importEnd is where an import goes.
type importEnd struct {
	transfer.Side
	addresses func(threadID, elementID string) string
	keeper    server.Keeper
	close     func() error
}

// without leaves out who was erased from the database after they were exported.
// Who came back since has a user that is younger than their erasure.
func (i *importCommand) without(ctx context.Context, from transfer.Side, to importEnd) (transfer.Side, *transfer.Left, error) {
	if i.Erased {
		return from, &transfer.Left{}, nil
	}
	return transfer.Without(ctx, from, func(ctx context.Context, users []chat.User) (map[string]bool, error) {
		names := make([]string, len(users))
		for i, u := range users {
			names[i] = u.Identifier
		}
		erased, err := to.keeper.Erased(ctx, names)
		gone := map[string]bool{}
		for _, u := range users {
			if at, ok := erased[u.Identifier]; ok {
				gone[u.Identifier] = u.CreatedAt == "" || u.CreatedAt <= chat.FormatTime(at.Add(time.Second))
			}
		}
		return gone, err
	})
}

// destination opens the database, and makes it where it is not there yet. One
// that a server holds is reached through the server.
func (i *importCommand) destination(ctx context.Context, p *program, c *cli) (importEnd, error) {
	name, missing := "", false
	at, err := p.find(ctx, c.Chat.Database, func(ctx context.Context, d config.Database) (*varve.DB, error) {
		src, err := varve.ParseURL(d.URL)
		if missing = err == nil && i.DryRun && there(src) != nil; missing {
			name = src.Redacted()
			return nil, nil
		}
		return p.openDatabase(ctx, d)
	})
	if err != nil {
		return importEnd{}, err
	}
	end := importEnd{close: at.Close, keeper: at.keeper()}
	if missing {
		if at.db, end.close, err = p.rehearsal(ctx); err != nil {
			return end, err
		}
		end.keeper = at.db
	}
	if at.db != nil {
		end.addresses = at.db.ElementURL()
	} else {
		end.addresses = func(string, string) string { return "" } // the server knows its own
	}
	if end.Side, err = at.side(ctx); err != nil {
		return end, errors.Join(err, end.close())
	}
	if missing {
		end.Name = name
	}
	return end, nil
}

// rehearsal opens an empty database in the place of one that is not there yet.
func (p *program) rehearsal(ctx context.Context) (*varve.DB, func() error, error) {
	folder, err := os.MkdirTemp("", "varve-rehearsal-*")
	if err != nil {
		return nil, nil, errs.Wrap(errs.Unavailable, err, "there is no folder for temporary files; TMPDIR names one")
	}
	db, err := all.Open(ctx, "memory:", &varve.Options{Data: folder, Log: p.log})
	if err != nil {
		return nil, nil, errors.Join(err, os.RemoveAll(folder))
	}
	return db, func() error { return errors.Join(db.Close(), os.RemoveAll(folder)) }, nil
}

// take puts what was done into the answer.
func (out *imported) take(p *program, job *transfer.Copy) {
	out.Resumed, out.Seconds = job.Resumed, job.Rows.Seconds()+job.Indexes.Seconds()
	out.Created, out.Kept, out.Replaced = job.Done, job.Kept, job.Replaced
	out.Created.Subtract(job.Replaced)
	out.Differ, out.Refused = append([]string{}, job.Differing...), append([]string{}, job.Refused...)
	if job.Resumed {
		p.say("went on where an earlier run stopped")
	}
	for _, n := range []struct {
		many int64
		text string
	}{
		{job.Missing, "elements name bytes that are not in " + filepath.Base(out.From)},
		{job.Mended, "texts had NUL or text that is not valid Unicode, which became U+FFFD"},
		{job.Strangers, "users were made whom threads name and who had no row"},
	} {
		if n.many > 0 {
			out.Notes = append(out.Notes, fmt.Sprintf("%d %s", n.many, n.text))
			p.say("%d %s", n.many, n.text)
		}
	}
}

// verify compares what is there with what was imported, unless it is known
// already that they differ.
func (i *importCommand) verify(ctx context.Context, p *program, job *transfer.Copy, out *imported) error {
	if i.NoVerify || i.DryRun || job.Differ+job.Refusals > 0 {
		return nil
	}
	if out.Verified = job.Verdict; out.Verified != nil {
		return nil // importing compared it already
	}
	bar := p.bar("compared")
	v, err := transfer.Verify(ctx, job.From, job.To, transfer.Options{Progress: bar.show, Addresses: job.Addresses})
	bar.end()
	out.Verified = &v
	return err
}

// tell answers.
func (out *imported) tell(p *program, job *transfer.Copy) error {
	if p.json {
		if err := writeJSON(p.stdout, out); err != nil {
			return err
		}
	}
	would := ""
	if out.DryRun {
		would = "to be "
	}
	p.print("%screated: %s", would, counted(out.Created))
	p.print("%skept: %s", would, counted(out.Kept))
	if job.Replace {
		p.print("%sreplaced: %s", would, counted(out.Replaced))
	}
	for _, d := range out.Differ {
		p.print("differs: %s", d)
	}
	p.printMore(job.Differ, len(out.Differ), "differ")
	if job.Differ > 0 {
		p.say("what differs stays as it is there; --replace puts what is imported in its place")
	}
	for _, why := range out.Refused {
		p.print("refused: %s", why)
	}
	p.printMore(job.Refusals, len(out.Refused), "refused")
	if out.Verified != nil {
		p.sayVerdict(*out.Verified)
	}
	if job.Differ+job.Refusals > 0 || out.Verified != nil && out.Verified.Different > 0 {
		return failed(exitFailure)
	}
	return nil
}
