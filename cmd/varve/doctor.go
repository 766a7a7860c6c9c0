package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/varvedb/varve"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/store"
)

type doctorCommand struct {
	Database string `help:"Which database of varve.yaml (default: default)." placeholder:"NAME"`
	Apply    bool   `help:"Do what is missing; it only adds." xor:"do"`
	Remove   bool   `help:"Take away all that Varve added to a database that others made." xor:"do"`
}

// examined is the doctor's answer.
type examined struct {
	Database string `json:"database"`
	Done     string `json:"done,omitempty"` // "applied" or "removed"
	store.Diagnosis
	Elements *elements `json:"elements,omitempty"` // when --elements names a place
}

// elements is how the place for elements' bytes is.
type elements struct {
	Place string `json:"place"`
	Error *told  `json:"error,omitempty"`
}

func (p *program) examineElements(ctx context.Context, db *varve.DB) *elements {
	if p.config.Elements == "" {
		return nil
	}
	e := &elements{Place: db.Elements()}
	if err := db.Files().Check(ctx); err != nil {
		said := tell(err)
		e.Error = &said
	}
	return e
}

func (e *elements) text() string {
	switch {
	case e == nil:
		return ""
	case e.Error == nil:
		return fmt.Sprintf("elements in %s: the place answers\n", e.Place)
	}
	return fmt.Sprintf("elements in %s: %s\n", e.Place, e.Error.Detail)
}

// Run examines a database, and mends it if asked. It opens the database itself
// even when a server holds the folder: what a database lacks is in the
// database, and a change to its tables is its owner's to make, not a caller's.
func (d *doctorCommand) Run(ctx context.Context, p *program) (err error) {
	if isServer(p.config.URL) {
		return usage{errs.Field(errs.Invalid, "url", "the doctor examines a database, not a server")}
	}
	named, known := findDatabase(p.config, d.Database)
	if !known {
		return unknownDatabase(d.Database)
	}
	p.examining = true
	db, err := p.openExisting(ctx, named)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	doctor, err := db.Doctor()
	if err != nil {
		return err
	}
	out := examined{Database: db.Source()}
	if out.Done, err = d.act(ctx, doctor); err != nil {
		return err
	}
	if out.Diagnosis, err = doctor.Examine(ctx); err != nil {
		return err
	}
	if out.Findings == nil {
		out.Findings = []store.Finding{}
	}
	out.Elements = p.examineElements(ctx, db)
	if err := p.printExamined(out); err != nil {
		return err
	}
	if out.Done != "" {
		p.hintRestart(ctx)
	}
	if len(out.Findings) > 0 && !d.Remove || out.Elements != nil && out.Elements.Error != nil {
		return failed(exitFailure)
	}
	return nil
}

func (d *doctorCommand) act(ctx context.Context, doctor store.Doctor) (done string, err error) {
	switch {
	case d.Apply:
		return "applied", doctor.Mend(ctx)
	case d.Remove:
		return "removed", doctor.Remove(ctx)
	}
	return "", nil
}

func (p *program) printExamined(e examined) error {
	if p.json {
		return writeJSON(p.stdout, e)
	}
	_, err := io.WriteString(p.stdout, e.text()+e.Elements.text())
	return err
}

func (e examined) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: tables made by %s\n", e.Database, e.Schema)
	if e.Done == "removed" {
		fmt.Fprintln(&b, "what Varve added was taken away")
		return b.String()
	}
	if len(e.Findings) == 0 {
		fmt.Fprintln(&b, "nothing is missing")
		e.writeNotes(&b)
		return b.String()
	}
	for i, f := range e.Findings {
		fmt.Fprintf(&b, "\n%d. ", i+1)
		writeFinding(&b, f)
	}
	e.writeNotes(&b)
	fmt.Fprintf(&b, "\n%d missing. `varve doctor --apply` does it; in a database of SQL `varve doctor --remove` takes it back.\n", len(e.Findings))
	return b.String()
}

// writeNotes tells what is left to a person.
func (e examined) writeNotes(b *strings.Builder) {
	for _, n := range e.Notes {
		fmt.Fprint(b, "\nnot for Varve to do: ")
		writeFinding(b, n)
	}
}

func writeFinding(b *strings.Builder, f store.Finding) {
	fmt.Fprintf(b, "%s\n   %s\n", f.What, f.Cost)
	for _, sql := range f.SQL {
		fmt.Fprintln(b)
		writeBlock(b, "     ", strings.TrimSpace(sql))
	}
}

// hintRestart tells that a running server has its own picture of the tables.
func (p *program) hintRestart(ctx context.Context) {
	if h, held := holder(ctx, p.config.Data); held && !p.json {
		fmt.Fprintf(p.stderr, "a server (process %d) runs on this folder: restart it, so that it sees the change\n", h.PID)
	}
}
