package main

import (
	"context"

	"github.com/varvedb/varve/component/bundle"
	"github.com/varvedb/varve/errs"
)

type exportComponent struct {
	catalogue
	Type       string   `arg:"" help:"Its type: application, model, listener, …"`
	Identifier string   `arg:"" help:"Its identifier."`
	Rest       []string `arg:"" name:"[version] destination" help:"The version (default: the newest), and where to write: a folder, or a file that ends with .zip. It must not be there yet, or be an empty folder."`
}

// Run writes a component with all that it is made of, for apply elsewhere.
func (e *exportComponent) Run(ctx context.Context, p *program) error {
	version, to := "", e.Rest[len(e.Rest)-1]
	switch len(e.Rest) {
	case 1:
	case 2:
		version = e.Rest[0]
	default:
		return usage{errs.Field(errs.Invalid, "destination", "more is named than a version and one destination")}
	}
	w, err := componentNamed(e.Type, e.Identifier, version)
	if err != nil {
		return err
	}
	return e.with(ctx, p, p.openExisting, func(at registered) error {
		told, err := bundle.Export(ctx, at.API, at.Bytes, w, to)
		if err != nil {
			return err
		}
		if p.json {
			return writeJSON(p.stdout, told)
		}
		p.print("exported %s/%s to %s: %d components, %d files, %s", e.Type, e.Identifier, to, len(told.Components), told.Files, size(told.Bytes))
		p.print("its SHA-256 is %s", told.Digest)
		return nil
	})
}
