package main

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"strings"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/transfer"
	"github.com/varvedb/varve/transfer/archive"
	"github.com/varvedb/varve/transfer/archive/parquet"
	"github.com/varvedb/varve/transfer/exports"
)

type exportCommand struct {
	Format string   `help:"jsonl: a file of JSON lines; parquet: a folder of tables." enum:"jsonl,parquet" default:"jsonl" placeholder:"FORM"`
	Output string   `short:"o" aliases:"out" help:"The file or folder to write; it must not exist yet (default: standard output)." placeholder:"PATH"`
	Bytes  bool     `help:"With the bytes of elements; the output is a folder."`
	User   string   `help:"Only this user (an identifier) and their threads." placeholder:"USER"`
	Thread []string `help:"Only this thread; may be said again." placeholder:"ID" sep:"none"`
	Since  string   `help:"Only threads with activity since then: a date or a time." placeholder:"TIME"`
}

// exported is the command's answer.
type exported struct {
	Output   string         `json:"output"`
	Format   string         `json:"format"`
	Exported transfer.Count `json:"exported"`
	Seconds  float64        `json:"seconds"`
	Missing  int64          `json:"missingFiles"`
	Refused  []string       `json:"refused"`
}

// Run writes the export. What people do not see is in it: it is a copy. It ends
// with 1 when a thread could not be taken.
func (e *exportCommand) Run(ctx context.Context, p *program, c *cli) (err error) {
	choice, err := e.choice()
	if err != nil {
		return usage{err}
	}
	at, err := p.find(ctx, c.Chat.Database, p.openExisting)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, at.Close()) }()
	side, err := at.side(ctx)
	if err != nil {
		return err
	}
	from, err := transfer.Choose(ctx, side, choice)
	if err != nil {
		return err
	}
	w, err := e.create(p, from.Store)
	if err != nil {
		return err
	}
	noted, err := e.note(ctx, p, at)
	if err != nil {
		return w.Finish(err)
	}
	bar := p.bar("exported")
	job := transfer.Copy{From: from, To: w.Side(), Options: transfer.Options{Progress: bar.show}}
	err = w.Finish(job.Run(ctx))
	bar.end()
	if err := noted(err); err != nil {
		return err
	}
	return e.tell(p, &job)
}

// side is what was found as an end of a copy.
func (f found) side(ctx context.Context) (transfer.Side, error) {
	if f.server == nil {
		s := transfer.Side{Name: f.db.Source(), Store: f.db.Rows()}
		if files := f.db.Files(); files != nil {
			s.Files = files
		}
		return s, nil
	}
	rows, err := f.server.Rows(ctx)
	if err != nil {
		return transfer.Side{}, err
	}
	s := transfer.Side{Name: f.name, Store: rows}
	if files := rows.Files(); files != nil {
		s.Files = files
	}
	return s, nil
}

// piped stands for the digest of what went to standard output.
const piped = "-"

// note notes the export at its database before it is there, so that an erasure
// finds it however this process ends; noted is called when it is made, or was not
// for an error. A database without a place for notes makes none.
func (e *exportCommand) note(ctx context.Context, p *program, at found) (noted func(error) error, err error) {
	note, err := exports.New(strings.ToLower(rand.Text()), strings.TrimRight(e.Output, "/"))
	if err != nil {
		return nil, errs.Wrap(errs.Unavailable, err, "the output cannot be named")
	}
	k := at.keeper()
	switch err := k.NoteExport(ctx, note); errs.KindOf(err) {
	case "":
	case errs.Unsupported:
		return func(err error) error { return err }, nil
	default:
		return nil, err
	}
	return func(err error) error {
		ctx := context.WithoutCancel(ctx)
		if err != nil {
			return errors.Join(err, k.ForgetExport(ctx, note.ID))
		}
		if note.Digest = piped; note.Path != "" {
			if note.Digest, err = exports.Digest(note.Path); err != nil {
				return errs.Wrap(errs.Unavailable, err, "the export cannot be read again")
			}
		}
		err = k.NoteExport(ctx, note)
		if errs.KindOf(err) == errs.Conflict && note.Path != "" {
			err = errors.Join(err, os.RemoveAll(note.Path), k.ForgetExport(ctx, note.ID))
		}
		return err
	}, nil
}

func (e *exportCommand) choice() (c transfer.Choice, err error) {
	if e.Output == "" && (e.Bytes || e.Format != "jsonl") {
		return c, errs.Field(errs.Invalid, "output", "a folder is written: name it with --output")
	}
	c = transfer.Choice{User: e.User, Threads: e.Thread}
	c.Since, err = sinceTime(e.Since)
	return c, err
}

func (e *exportCommand) create(p *program, source transfer.Store) (*archive.Writer, error) {
	if e.Output == "" {
		return archive.To(p.stdout, source)
	}
	o := archive.Options{Bytes: e.Bytes}
	if e.Format == "parquet" {
		o.Tables = parquet.Create
	}
	return archive.Create(strings.TrimRight(e.Output, "/"), source, o)
}

// tell answers on standard error where the export itself went to standard
// output.
func (e *exportCommand) tell(p *program, job *transfer.Copy) error {
	out := exported{Output: e.Output, Format: e.Format, Exported: job.Done, Seconds: job.Rows.Seconds(), Missing: job.Missing, Refused: job.Refused}
	if out.Refused == nil {
		out.Refused = []string{}
	}
	if p.json && e.Output != "" {
		if err := writeJSON(p.stdout, out); err != nil {
			return err
		}
	}
	p.say("exported: %s", counted(job.Done))
	if job.Missing > 0 {
		p.say("%d elements name bytes that are not there", job.Missing)
	}
	if job.Mended > 0 {
		p.say("%d texts had NUL or text that is not valid Unicode, which became U+FFFD", job.Mended)
	}
	for _, why := range job.Refused {
		p.say("refused: %s", why)
	}
	if job.Refusals > 0 {
		p.say("%d threads are not in the export", job.Refusals)
		return failed(exitFailure)
	}
	return nil
}
