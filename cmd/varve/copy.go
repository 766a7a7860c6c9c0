package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/varvedb/varve"
	"github.com/varvedb/varve/all"
	"github.com/varvedb/varve/blob"
	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/transfer"
)

type copyCommand struct {
	From       string `arg:"" name:"src" help:"The database to copy: a data folder or a URL."`
	To         string `arg:"" name:"dst" help:"The database to copy into; what else it has stays."`
	Since      string `help:"Only threads with activity since then: a date or a time." placeholder:"TIME"`
	DryRun     bool   `help:"Read and count, and write nothing." xor:"mode"`
	VerifyOnly bool   `help:"Copy nothing; compare both sides." xor:"mode"`
	NoVerify   bool   `help:"Do not compare both sides after the copy."`
	FromData   string `help:"The data folder with SRC's bytes of elements (default: its own, or --data)." placeholder:"DIR"`
	ToData     string `help:"The data folder for DST's bytes of elements (default: its own, or --data)." placeholder:"DIR"`
	// A place of each side's own: --elements says one for both, which is seldom meant.
	FromElements string `help:"Where SRC's bytes of elements lie instead: a folder or a bucket, as in --elements." placeholder:"URL"`
	ToElements   string `help:"Where DST's bytes of elements lie instead." placeholder:"URL"`
}

// copied is the command's answer.
type copied struct {
	From     string            `json:"from"`
	To       string            `json:"to"`
	DryRun   bool              `json:"dryRun,omitempty"`
	Resumed  bool              `json:"resumed,omitempty"`
	Notes    []string          `json:"notes"`
	Copied   *transfer.Count   `json:"copied,omitempty"`
	Seconds  float64           `json:"seconds"`                // for the rows
	Indexing float64           `json:"indexSeconds,omitempty"` // for what the destination made of them at the end
	Refused  []string          `json:"refused,omitempty"`
	Verified *transfer.Verdict `json:"verified,omitempty"`
}

// Run copies, and compares both sides. It ends with 1 when anything differs or
// was refused.
func (c *copyCommand) Run(ctx context.Context, p *program) (err error) {
	since, err := sinceTime(c.Since)
	if err != nil {
		return usage{err}
	}
	from, err := p.side(ctx, c.From, c.FromData, c.FromElements, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, from.close()) }()
	to, err := c.destination(ctx, p, from)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, to.close()) }()
	if from.Name == to.Name {
		return usage{errs.Field(errs.Invalid, "dst", "is the database that SRC is")}
	}
	out := copied{From: from.Name, To: to.Name, DryRun: c.DryRun, Notes: append([]string{}, transfer.Limits(from.Side, to.Side)...)}
	if from.place != "" && from.place == to.place {
		out.Notes = append(out.Notes, "the bytes of elements stay where they are: both databases use "+from.place)
		from.Files, to.Files = nil, nil
	}
	for _, note := range out.Notes {
		p.say("%s", note)
	}
	bad, err := c.run(ctx, p, from.Side, to.Side, since, &out)
	if err != nil {
		return err
	}
	if p.json {
		if err := writeJSON(p.stdout, out); err != nil {
			return err
		}
	}
	if bad {
		return failed(exitFailure)
	}
	return nil
}

// destination opens the database to copy into. A rehearsal does not make one.
func (c *copyCommand) destination(ctx context.Context, p *program, from end) (end, error) {
	src, err := varve.ParseURL(c.To)
	if err != nil || !c.DryRun || there(src) == nil {
		return p.side(ctx, c.To, c.ToData, c.ToElements, c.VerifyOnly)
	}
	e, err := p.side(ctx, "memory:", "", "", false)
	e.Name, e.Files = src.Redacted(), from.Files // which are not written to
	return e, err
}

func (c *copyCommand) run(ctx context.Context, p *program, from, to transfer.Side, since string, out *copied) (bad bool, err error) {
	o := transfer.Options{Since: since}
	if !c.VerifyOnly {
		if bad, err = c.copy(ctx, p, from, to, o, out); err != nil {
			return bad, errs.Wrap(errs.KindOf(err), err, "the copy stopped; run the same command again and it goes on where it stopped")
		}
	}
	if c.NoVerify || c.DryRun {
		return bad, nil
	}
	bar := p.bar("compared")
	o.Progress = bar.show
	v, err := transfer.Verify(ctx, from, to, o)
	bar.end()
	if err != nil {
		return bad, err
	}
	out.Verified = &v
	p.sayVerdict(v)
	return bad || v.Different > 0, nil
}

func (c *copyCommand) copy(ctx context.Context, p *program, from, to transfer.Side, o transfer.Options, out *copied) (bad bool, err error) {
	bar := p.bar("copied")
	o.Progress = bar.show
	job := transfer.Copy{From: from, To: to, Options: o, DryRun: c.DryRun, Journal: p.journal(from.Name, to.Name, o.Since)}
	err = job.Run(ctx)
	bar.end()
	out.Copied, out.Refused, out.Resumed = &job.Done, job.Refused, job.Resumed
	out.Seconds, out.Indexing = job.Rows.Seconds(), job.Indexes.Seconds()
	if err != nil {
		return false, err
	}
	what := "copied"
	if c.DryRun {
		what = "to copy"
	}
	if job.Resumed {
		p.say("went on where an earlier run stopped")
	}
	p.print("%s: %s", what, counted(job.Done))
	p.say("%d steps in %.1f s, %.0f/s; %.1f s for indexes", job.Here.Steps, out.Seconds, float64(job.Here.Steps)/max(out.Seconds, 0.001), out.Indexing)
	for _, n := range []struct {
		many int64
		text string
	}{
		{job.Missing, "elements name bytes that are not at the source"},
		{job.Mended, "texts had NUL or text that is not valid Unicode, which became U+FFFD"},
		{job.Strangers, "users were made whom threads name and who had no row"},
	} {
		if n.many > 0 {
			out.Notes = append(out.Notes, fmt.Sprintf("%d %s", n.many, n.text))
			p.say("%d %s", n.many, n.text)
		}
	}
	for _, why := range job.Refused {
		p.print("refused: %s", why)
	}
	p.printMore(job.Refusals, len(job.Refused), "refused")
	return job.Refusals > 0, nil
}

func (p *program) sayVerdict(v transfer.Verdict) {
	for _, d := range v.Differences {
		p.print("differs: %s", d)
	}
	p.printMore(v.Different, len(v.Differences), "differ")
	if v.OtherIDs > 0 {
		p.say("%d users have another id at the destination; their threads follow it", v.OtherIDs)
	}
	if v.More > 0 {
		p.say("the destination has %d threads more", v.More)
	}
	p.print("source:      %s, SHA-256 %s", counted(v.From), v.FromHash)
	p.print("destination: %s, SHA-256 %s", counted(v.To), v.ToHash)
	if v.Different == 0 {
		p.print("nothing differs")
	}
}

func counted(c transfer.Count) string {
	return fmt.Sprintf("%d users, %d threads, %d steps, %d elements, %d feedback, %d files with %s",
		c.Users, c.Threads, c.Steps, c.Elements, c.Feedback, c.Files, size(c.Bytes))
}

func (p *program) printMore(all int64, named int, what string) {
	if more := all - int64(named); more > 0 {
		p.print("%d more %s", more, what)
	}
}

// print is for the answer, say for what is to be known beside it; both are for
// people.
func (p *program) print(format string, args ...any) {
	if !p.json {
		fmt.Fprintln(p.stdout, block(fmt.Sprintf(format, args...)))
	}
}

func (p *program) say(format string, args ...any) {
	if !p.json {
		fmt.Fprintln(p.stderr, block(fmt.Sprintf(format, args...)))
	}
}

// end is one end of a copy; place is where its bytes lie.
type end struct {
	transfer.Side
	place string
	close func() error
}

// side opens one end of a copy.
func (p *program) side(ctx context.Context, url, data, place string, exists bool) (e end, err error) {
	if isServer(url) {
		return e, usage{errs.Field(errs.Invalid, "url", "copies are made between databases; name the database of the server %s", url)}
	}
	src, err := varve.ParseURL(url)
	if err != nil {
		return e, usage{err}
	}
	if err := p.free(ctx, src, exists); err != nil {
		return e, err
	}
	o := varve.Options{Data: data, Elements: place, Log: p.log}
	if data == "" && src.Scheme != "memory" && (src.Scheme != "sqlite" || !p.namedData()) {
		p.data(&o, p.config.Data)
	}
	db, err := all.Open(ctx, url, &o)
	if err != nil {
		return e, err
	}
	e.Name, e.Store, e.close = db.Source(), db.Rows(), db.Close
	if files := db.Files(); files != nil {
		e.Files = files
		e.place = placeOf(db.Elements())
	}
	return e, nil
}

// placeOf names a folder always alike.
func placeOf(elements string) string {
	if scheme, _ := blob.Scheme(elements); scheme != "" {
		return elements
	}
	if abs, err := filepath.Abs(elements); err == nil {
		return abs
	}
	return elements
}

// free refuses a file that is not there, and one that a server works on: two
// processes that delete bytes do not know of each other's.
func (p *program) free(ctx context.Context, src varve.Source, exists bool) error {
	if src.Scheme != "sqlite" {
		return nil
	}
	if exists {
		if err := there(src); err != nil {
			return err
		}
	}
	if h, held := holder(ctx, filepath.Dir(src.Path)); held {
		return errs.Field(errs.Exists, "url", "a server (process %d) holds %s; stop it first", h.PID, filepath.Dir(src.Path))
	}
	return nil
}

// journal is the file that remembers a copy while it runs.
func (p *program) journal(from, to, since string) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{from, to, since}, "\n")))
	return filepath.Join(p.config.Data, "copies", hex.EncodeToString(sum[:8])+".json")
}

// sinceTime reads a date or a time.
func sinceTime(s string) (string, error) {
	if s == "" {
		return "", nil
	}
	text := s
	if len(text) == len("2006-01-02") {
		text += "T00:00:00Z"
	}
	at, ok := chat.NormalTime(text)
	if !ok {
		return "", errs.Field(errs.Invalid, "since", "%q is no date or time such as 2026-01-31 or 2026-01-31T12:00:00Z", s)
	}
	return at, nil
}
