package main

import (
	"cmp"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/varvedb/varve"
	"github.com/varvedb/varve/all"
	"github.com/varvedb/varve/artifact"
	"github.com/varvedb/varve/component"
	"github.com/varvedb/varve/component/bundle"
	"github.com/varvedb/varve/component/yaml"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/internal/config"
)

// declaration is what is applied, or planned.
type declaration struct {
	Path     []string `arg:"" optional:"" name:"file" help:"Files of YAML or JSON, folders of such files, and exports (folders or .zip); - is standard input. All are applied together."`
	Template string   `help:"Apply what this stored template makes." placeholder:"IDENTIFIER"`
	Set      []string `sep:"none" help:"The value of a variable, <var:NAME>; a template that is in a file then becomes what it makes. May be repeated." placeholder:"NAME=VALUE"`
	Policy   string   `help:"on-change: versions where something that breaks has changed; always: a version of every declaration." enum:"on-change,always" default:"on-change" placeholder:"POLICY"`
	Digest   string   `help:"Refuse an export whose manifest has another SHA-256; varve export tells it." placeholder:"SHA256"`
}

type applyCommand struct {
	catalogue
	declaration
	Plan bool `aliases:"dry-run" help:"Only tell what would be done, as varve plan does."`
}

// Run applies, all or nothing, and tells what was done.
func (a *applyCommand) Run(ctx context.Context, p *program) error {
	if a.Plan {
		return (&planCommand{a.catalogue, a.declaration}).Run(ctx, p)
	}
	return a.on(ctx, p, &a.catalogue, p.openDatabase, true, func(to component.API, list []component.Component) error {
		done, err := to.Apply(ctx, list...)
		if err != nil {
			return err
		}
		if p.json {
			return writeJSON(p.stdout, outcome{done.Created, done.Updated, done.Unchanged, done.Jobs})
		}
		return p.printPlan(done.Plan, true)
	})
}

type planCommand struct {
	catalogue
	declaration
}

// Run tells what apply would do. Where there is no database yet, that is what
// it would do with an empty one.
func (c *planCommand) Run(ctx context.Context, p *program) error {
	open := func(ctx context.Context, d config.Database) (*varve.DB, error) {
		db, err := p.openExisting(ctx, d)
		if errors.Is(err, errs.NotFound) {
			return all.Open(ctx, "memory:", &varve.Options{Log: p.log})
		}
		return db, err
	}
	return c.on(ctx, p, &c.catalogue, open, false, func(to component.API, list []component.Component) error {
		plan, err := to.Plan(ctx, list...)
		if err != nil {
			return err
		}
		if p.json {
			return writeJSON(p.stdout, outcome{plan.Created, plan.Updated, plan.Unchanged, plan.Jobs})
		}
		return p.printPlan(plan, false)
	})
}

// outcome is what apply and plan answer in JSON.
type outcome struct {
	Created   []component.Ref `json:"created"`
	Updated   []component.Ref `json:"updated"`
	Unchanged []component.Ref `json:"unchanged"`
	Jobs      []string        `json:"jobs"`
}

// on reads what is declared, and only then opens the database. Artifacts of
// exports are stored before they are applied, and before a server plans: what it
// cannot see it cannot count on.
func (d *declaration) on(ctx context.Context, p *program, c *catalogue, open opener, applies bool, do func(component.API, []component.Component) error) (err error) {
	in := inputs{p: p, digest: artifact.Digest(strings.TrimPrefix(d.Digest, "sha256:"))}
	defer func() { err = errors.Join(err, in.close()) }()
	if in.files.Values, err = d.values(); err != nil {
		return usage{err}
	}
	if len(d.Path) == 0 && d.Template == "" {
		return usage{errs.Field(errs.Invalid, "file", "say what is to be applied: a file, a folder, an export, or - for standard input")}
	}
	for _, path := range d.Path {
		if err := in.read(ctx, path); err != nil {
			return err
		}
	}
	if in.digest != "" && len(in.bundles) != 1 {
		return usage{errs.Field(errs.Invalid, "digest", "is that of one export, and %d are named", len(in.bundles))}
	}
	return c.with(ctx, p, open, func(at registered) error {
		if err := d.fill(ctx, at, &in); err != nil {
			return err
		}
		for _, b := range in.bundles {
			if applies || at.remote {
				if err := b.Store(ctx, at.Bytes); err != nil {
					return err
				}
			}
			in.files.Components = append(in.files.Components, b.Components()...)
		}
		if len(in.files.Components) == 0 {
			return errs.Field(errs.Invalid, "file", "there is no component in it")
		}
		to := at.API
		if d.Policy == string(component.Always) {
			to = to.Versioned(component.Always)
		}
		return in.files.Place(do(to, in.files.Components))
	})
}

func (d *declaration) values() (*yaml.Values, error) {
	if len(d.Set) == 0 && d.Template == "" {
		return nil, nil
	}
	return yaml.ParseValues(d.Set)
}

// fill adds what a stored template makes.
func (d *declaration) fill(ctx context.Context, at registered, in *inputs) error {
	if d.Template != "" {
		c, err := at.Load(ctx, component.Newest("template", d.Template))
		if err != nil {
			return err
		}
		made, err := in.files.Values.Fill(c.(*component.Template))
		if err != nil {
			return err
		}
		in.files.Components = append(in.files.Components, made...)
	}
	if in.files.Values != nil {
		return in.files.Values.Unused()
	}
	return nil
}

// inputs are the files that a person named.
type inputs struct {
	p       *program
	digest  artifact.Digest // that an export must have; "": any
	files   yaml.Files
	bundles []*bundle.Bundle
}

func (in *inputs) close() error {
	var err error
	for _, b := range in.bundles {
		err = errors.Join(err, b.Close())
	}
	return err
}

func (in *inputs) read(ctx context.Context, path string) error {
	if path == "-" {
		return in.files.Read("standard input", in.p.stdin)
	}
	if bundle.Is(path) {
		b, err := bundle.Read(ctx, path)
		if err != nil {
			return err
		}
		in.bundles = append(in.bundles, b)
		if in.digest != "" && b.Digest != in.digest {
			return errs.Field(errs.Invalid, "digest", "%s is another export: its manifest has the SHA-256 %s", path, b.Digest)
		}
		return nil
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return unreadable(path, err)
	case info.IsDir():
		return in.readFolder(path)
	}
	return in.readFile(path)
}

// readFolder reads the files of a folder in the order of their names.
func (in *inputs) readFolder(path string) error {
	list, err := os.ReadDir(path)
	if err != nil {
		return unreadable(path, err)
	}
	some := false
	for _, e := range list {
		declares := slices.Contains([]string{".yaml", ".yml", ".json"}, strings.ToLower(filepath.Ext(e.Name())))
		if e.IsDir() || !declares || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		some = true
		if err := in.readFile(filepath.Join(path, e.Name())); err != nil {
			return err
		}
	}
	if !some {
		return errs.Field(errs.Invalid, "file", "%s has no files that end with .yaml, .yml or .json, and is no export", path)
	}
	return nil
}

// maxDeclared is how large a file of declarations may be. Large bytes are
// artifacts.
const maxDeclared = 64 << 20

func (in *inputs) readFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return unreadable(path, err)
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size() > maxDeclared {
		return errs.Field(errs.TooLarge, "file", "%s has %s; put what is large as an artifact, and refer to it", path, size(info.Size()))
	}
	return in.files.Read(path, io.LimitReader(f, maxDeclared))
}

func unreadable(path string, err error) error {
	kind := cmp.Or(map[bool]errs.Kind{errors.Is(err, fs.ErrNotExist): errs.NotFound}[true], errs.Unavailable)
	var system *fs.PathError
	if errors.As(err, &system) {
		err = system.Err
	}
	return &errs.Error{Kind: kind, Field: "file", Detail: path + " cannot be read", Err: err}
}
