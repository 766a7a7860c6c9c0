package main

import (
	"cmp"
	"context"
	"io"
	"os"
	"path/filepath"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/lake"
	"github.com/varvedb/varve/state"
)

type lakeCommand struct {
	place

	Put   lakePut   `cmd:"" help:"Put a file into the lake, as a new version where there is one."`
	Get   lakeGet   `cmd:"" help:"Write the bytes of a file to standard output, or into a file."`
	Cat   lakeCat   `cmd:"" help:"Write the bytes of several files, one after the other."`
	Ls    lakeLs    `cmd:"" help:"List files."`
	Log   lakeLog   `cmd:"" help:"List the versions of a file, newest first."`
	Diff  lakeDiff  `cmd:"" help:"Tell what differs between two versions of a file."`
	Rm    lakeRm    `cmd:"" help:"Remove files; their history stays, and undo brings them back."`
	Undo  lakeUndo  `cmd:"" help:"Take the newest change of a file back, a removal too."`
	Sync  lakeSync  `cmd:"" help:"Bring a folder and the lake together."`
	Sweep lakeSweep `cmd:"" help:"Free bytes that no version of any file has."`
}

func (c *lakeCommand) with(ctx context.Context, p *program, makes bool, fn func(*lake.Service) error) error {
	return c.place.with(ctx, p, makes, func(r rooms) error { return fn(r.Lake) })
}

// fileName are the ways to name a file of the lake.
type fileName struct {
	Name     string  `arg:"" optional:"" name:"file" help:"The file's whole path in the lake, as in docs/a.txt."`
	Path     *string `help:"Its path, if the file is not named as a whole." placeholder:"PATH"`
	Filename string  `help:"Its name." placeholder:"NAME"`
}

func (f *fileName) name() (lake.Name, error) {
	switch {
	case f.Filename != "" && f.Name == "":
		return lake.Name{Path: f.Path, Filename: f.Filename}, nil
	case f.Name != "" && f.Filename == "" && f.Path == nil:
		return lake.At(f.Name), nil
	}
	return lake.Name{}, usage{errs.Field(errs.Invalid, "file", "name a file: docs/a.txt, or --path docs --filename a.txt")}
}

// noFile says which file is missing.
func noFile(n lake.Name, err error) error {
	if errs.KindOf(err) == errs.NotFound {
		return errs.Field(errs.NotFound, "file", "there is no file %q", n)
	}
	return err
}

type lakePut struct {
	From        string   `arg:"" name:"FILE" help:"The file to put; - is standard input."`
	Path        *string  `help:"The path in the lake (default: none)." placeholder:"PATH"`
	Filename    string   `help:"The name in the lake (default: that of FILE)." placeholder:"NAME"`
	Filetype    *string  `help:"What kind of file it is (default: the ending of its name)." placeholder:"TYPE"`
	Version     *int64   `help:"A version number of yours." placeholder:"N"`
	Status      *string  `placeholder:"STATUS" help:"A status of yours."`
	Description *string  `placeholder:"TEXT" help:"What is in it."`
	Label       []string `short:"l" sep:"none" help:"A label; may be repeated." placeholder:"LABEL"`
}

// Run puts a file.
func (l *lakePut) Run(ctx context.Context, p *program, c *cli) error {
	from := p.stdin
	if l.From != "-" {
		f, err := os.Open(l.From)
		if err != nil {
			return errs.Wrap(errs.NotFound, err, "the file cannot be read")
		}
		defer f.Close()
		from, l.Filename = f, cmp.Or(l.Filename, filepath.Base(l.From))
	}
	if l.Filename == "" {
		return usage{errs.Field(errs.Invalid, "filename", "name what comes from standard input with --filename")}
	}
	return c.Lake.with(ctx, p, true, func(files *lake.Service) error {
		r, err := files.Put(ctx, lake.File{
			Path: l.Path, Filename: l.Filename, Filetype: cmp.Or(l.Filetype, lake.Filetype(l.Filename)),
			Version: l.Version, Status: l.Status, Description: l.Description, Labels: l.Label,
		}, from)
		return p.tellFile("put", r, err)
	})
}

// then is a moment of the past of one file.
type then struct {
	At   int64  `name:"at" help:"Its version with this number, as log lists them." placeholder:"N" xor:"then"`
	AsOf string `help:"As it was at a time (2026-11-21T08:00:00Z) or a position (a number)." placeholder:"WHEN" xor:"then"`
}

// record finds a version of a file.
func (t *then) record(ctx context.Context, files *lake.Service, n lake.Name) (lake.Record, error) {
	switch {
	case t.At != 0:
		return files.AsOf(state.AtVersion(t.At)).Get(ctx, n)
	case t.AsOf != "":
		at, err := pointOf(t.AsOf)
		if err != nil {
			return lake.Record{}, usage{err}
		}
		return files.AsOf(at).Get(ctx, n)
	}
	return files.Get(ctx, n)
}

type lakeGet struct {
	fileName
	then
	Output string `short:"o" help:"Write into this file instead." placeholder:"FILE"`
}

// Run writes bytes; with --json the record with its bytes in base64.
func (l *lakeGet) Run(ctx context.Context, p *program, c *cli) error {
	n, err := l.name()
	if err != nil {
		return err
	}
	return c.Lake.with(ctx, p, false, func(files *lake.Service) error {
		r, err := l.record(ctx, files, n)
		if err != nil {
			return noFile(n, err)
		}
		body, err := files.Read(ctx, r)
		if err != nil {
			return err
		}
		defer body.Close()
		switch {
		case p.json:
			return p.printWithData(r, body)
		case l.Output != "":
			return writeFile(l.Output, body)
		}
		_, err = io.Copy(p.stdout, body)
		return err
	})
}

// maxPrinted is how many bytes are printed as JSON.
const maxPrinted = 16 << 20

// withData is a file with its bytes, in dkdc's order of fields but for them.
type withData struct {
	lake.File
	Data []byte `json:"data"`
}

func (p *program) printWithData(r lake.Record, body *lake.Reader) error {
	if body.Size() > maxPrinted {
		return errs.New(errs.TooLarge, "the file has %d bytes; take them without --json", body.Size())
	}
	data, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	return writeJSON(p.stdout, record{r.Meta, withData{r.Value, data}})
}

// writeFile writes a file whole or not at all.
func writeFile(name string, r io.Reader) (err error) {
	f, err := os.CreateTemp(filepath.Dir(name), ".varve-*")
	if err != nil {
		return errs.Wrap(errs.Unavailable, err, "the file cannot be written")
	}
	defer os.Remove(f.Name()) // nothing, once it has its name
	_, err = io.Copy(f, r)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Chmod(f.Name(), 0o644)
	}
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	return err
}

type lakeCat struct {
	Files []string `arg:"" name:"file" help:"Whole paths in the lake."`
}

// Run writes the bytes of files, up to the first that is missing.
func (l *lakeCat) Run(ctx context.Context, p *program, c *cli) error {
	return c.Lake.with(ctx, p, false, func(files *lake.Service) error {
		for _, full := range l.Files {
			body, err := files.Open(ctx, lake.At(full))
			if err != nil {
				return noFile(lake.At(full), err)
			}
			_, err = io.Copy(p.stdout, body)
			body.Close()
			if err != nil {
				return err
			}
		}
		return nil
	})
}

type lakeRm struct {
	Files    []string `arg:"" optional:"" name:"file" help:"Whole paths in the lake."`
	Path     *string  `help:"The path of one file." placeholder:"PATH"`
	Filename string   `help:"Its name." placeholder:"NAME"`
}

// Run removes files, up to the first that is missing.
func (l *lakeRm) Run(ctx context.Context, p *program, c *cli) error {
	var names []lake.Name
	for _, full := range l.Files {
		names = append(names, lake.At(full))
	}
	if l.Filename != "" || len(names) == 0 {
		n, err := (&fileName{Path: l.Path, Filename: l.Filename}).name()
		if err != nil {
			return err
		}
		names = append(names, n)
	}
	return c.Lake.with(ctx, p, false, func(files *lake.Service) error {
		for _, n := range names {
			was, err := files.Get(ctx, n)
			if err == nil {
				err = files.Remove(ctx, n)
			}
			if err := p.tellFile("removed", was, noFile(n, err)); err != nil {
				return err
			}
		}
		return nil
	})
}

type lakeUndo struct{ fileName }

// Run takes a change back.
func (l *lakeUndo) Run(ctx context.Context, p *program, c *cli) error {
	n, err := l.name()
	if err != nil {
		return err
	}
	return c.Lake.with(ctx, p, false, func(files *lake.Service) error {
		r, err := files.Undo(ctx, n)
		return p.tellFile("undone", r, noFile(n, err))
	})
}

type lakeSweep struct {
	DryRun bool `help:"Tell what would be freed, and free nothing."`
}

// Run frees bytes.
func (l *lakeSweep) Run(ctx context.Context, p *program, c *cli) error {
	return c.Lake.with(ctx, p, false, func(files *lake.Service) error {
		sweep, did := files.Sweep, "freed"
		if l.DryRun {
			sweep, did = files.Unused, "would free"
		}
		swept, err := sweep(ctx)
		if err != nil {
			return err
		}
		if p.json {
			return writeJSON(p.stdout, swept)
		}
		p.print("%s %d contents, %s", did, swept.Contents, size(swept.Bytes))
		return nil
	})
}
