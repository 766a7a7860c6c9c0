package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/varvedb/varve/artifact"
	"github.com/varvedb/varve/component"
	"github.com/varvedb/varve/errs"
)

// catalogue says which database's components a command is about.
type catalogue struct {
	Database string `help:"Which database of the server or of varve.yaml (default: default)." placeholder:"NAME"`
	Key      string `config:"" help:"The API key for a server that --url names; better in VARVE_KEY, where other users do not see it." placeholder:"KEY"`
}

// registered are a database's components and artifacts, wherever they are.
type registered struct {
	component.API
	Bytes  artifact.API
	remote bool // at a server
}

// with runs fn on the components of a database.
func (c *catalogue) with(ctx context.Context, p *program, open opener, fn func(registered) error) (err error) {
	at, err := p.find(ctx, c.Database, open)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, at.Close()) }()
	if at.server != nil {
		return fn(registered{at.server.Components(), at.server.Artifacts(), true})
	}
	return fn(registered{at.db.Components(), at.db.Artifacts(), false})
}

// which names a component on the command line.
type which struct {
	Type       string `arg:"" help:"Its type: model, listener, table, …"`
	Identifier string `arg:"" help:"Its identifier."`
	Version    string `arg:"" optional:"" help:"A number, or newest (default: the newest)."`
}

func (w *which) which() (component.Which, error) {
	return componentNamed(w.Type, w.Identifier, w.Version)
}

// named checks what a person typed as a component's name.
func componentNamed(typ, identifier, version string) (component.Which, error) {
	w := component.Newest(typ, identifier)
	if typ != "" && !slices.Contains(component.Types(), typ) {
		return w, usage{errs.Field(errs.Invalid, "type", "%q is no type of component; types are %s", typ, strings.Join(component.Types(), ", "))}
	}
	if typ == "" && identifier != "" {
		return w, usage{errs.Field(errs.Invalid, "type", "is missing; types are %s", strings.Join(component.Types(), ", "))}
	}
	switch version {
	case "":
	case "newest", "latest":
		w.Version = new(component.Latest)
	default:
		n, err := strconv.Atoi(version)
		if err != nil || n < component.Latest {
			return w, usage{errs.Field(errs.Invalid, "version", "%q is no version: they count from 0, and newest is the newest", version)}
		}
		w.Version = &n
	}
	return w, nil
}

type removeCommand struct {
	catalogue
	which
	Force     bool `help:"Hide what others use, instead of refusing; and do not ask."`
	Recursive bool `short:"r" help:"Also what is inside and used by nobody else."`
	DryRun    bool `name:"dry-run" help:"Only tell."`
	Yes       bool `short:"y" help:"Do not ask."`
}

// Run removes a version, or all of a component. What others use is refused.
func (r *removeCommand) Run(ctx context.Context, p *program) error {
	w, err := r.which.which()
	if err != nil {
		return err
	}
	return r.with(ctx, p, p.openExisting, func(at registered) error {
		o := component.RemoveOptions{Force: r.Force, Recursive: r.Recursive, DryRun: true}
		told, err := at.Remove(ctx, w, o)
		if err != nil || r.DryRun {
			return errors.Join(err, p.printRemoved(told, err == nil, "would be "))
		}
		if len(told.Removed)+len(told.Hidden) == 0 {
			return p.printRemoved(told, true, "")
		}
		if !r.Yes && !r.Force {
			if err := p.confirm(told); err != nil {
				return err
			}
		}
		o.DryRun = false
		done, err := at.Remove(ctx, w, o)
		return errors.Join(err, p.printRemoved(done, err == nil, ""))
	})
}

// confirm asks, and tells what is at stake.
func (p *program) confirm(r component.Removed) error {
	if err := p.somebody(); err != nil {
		return err
	}
	for _, ref := range r.Removed {
		fmt.Fprintln(p.stderr, line(ref.String()))
	}
	return p.ask("Remove for good?", "nothing was removed")
}

func (p *program) printRemoved(r component.Removed, ok bool, mood string) error {
	switch {
	case !ok:
		return nil
	case p.json:
		return writeJSON(p.stdout, r)
	case len(r.Removed)+len(r.Hidden) == 0:
		p.print("nothing to remove")
	}
	for _, ref := range r.Removed {
		p.print("%sremoved %s", mood, line(ref.String()))
	}
	for _, ref := range r.Hidden {
		p.print("%shidden %s: others use it", mood, line(ref.String()))
	}
	return nil
}

type unhideCommand struct {
	catalogue
	which
}

// Run shows hidden versions again: one, or all of a component.
func (u *unhideCommand) Run(ctx context.Context, p *program) error {
	w, err := u.which.which()
	if err != nil {
		return err
	}
	return u.settle(ctx, p, w, "shown again", "nothing is hidden", component.API.Unhide)
}

type purgeCommand struct {
	catalogue
	Type       string `arg:"" optional:"" help:"Only those of this type: model, listener, table, …"`
	Identifier string `arg:"" optional:"" help:"Only this one's."`
	Version    string `arg:"" optional:"" help:"Only this version: a number, or newest."`
	Yes        bool   `short:"y" help:"Of all components, or of all of a type."`
}

// Run removes hidden versions that nobody uses any more. They were removed once,
// by force, so that a name is question enough.
func (u *purgeCommand) Run(ctx context.Context, p *program) error {
	w, err := componentNamed(u.Type, u.Identifier, u.Version)
	if err != nil {
		return err
	}
	if u.Identifier == "" && !u.Yes {
		return usage{errs.Field(errs.Invalid, "identifier", "is missing; with --yes in its place all hidden versions go that nobody uses. `varve show --hidden` lists what is hidden")}
	}
	return u.settle(ctx, p, w, "removed", "nothing is hidden that nobody uses", component.API.Purge)
}

// settle does something to hidden versions and tells to which.
func (c *catalogue) settle(ctx context.Context, p *program, asked component.Which, what, nothing string, do func(component.API, context.Context, component.Which) ([]component.Ref, error)) error {
	return c.with(ctx, p, p.openExisting, func(at registered) error {
		refs, err := do(at.API, ctx, asked)
		if err != nil {
			return err
		}
		if p.json {
			return writeJSON(p.stdout, refs)
		}
		for _, r := range refs {
			p.print("%s %s", what, line(r.String()))
		}
		if len(refs) == 0 {
			p.print("%s", nothing)
		}
		return nil
	})
}

type dropCommand struct {
	catalogue
	Confirm string `required:"" help:"The name of the database, as its file or server calls it." placeholder:"NAME"`
	Tables  bool   `help:"Drop the tables that components declared too, with their rows."`
}

// Run forgets all components, and only where the name of the database was
// typed out.
func (d *dropCommand) Run(ctx context.Context, p *program) error {
	return d.with(ctx, p, p.openExisting, func(at registered) error {
		if err := at.Drop(ctx, component.DropOptions{Confirm: d.Confirm, Data: d.Tables}); err != nil {
			return err
		}
		p.say("all components were dropped")
		return nil
	})
}
