package component

import (
	"context"
	"encoding/json"
	"iter"

	"github.com/varvedb/varve/artifact"
)

// API is what callers hold: [Service], or the client of a server. The methods'
// contracts are those of Service.
type API interface {
	// Versioned returns the same with another policy.
	Versioned(p Policy) API

	// Plan tells what Apply would do, and does nothing; see [Service.Plan].
	Plan(ctx context.Context, cs ...Component) (Plan, error)
	// Apply stores components, all or none; see [Service.Apply].
	Apply(ctx context.Context, cs ...Component) (Result, error)
	// Add is Apply.
	Add(ctx context.Context, cs ...Component) (Result, error)
	// Replace overwrites a record in place; see [Service.Replace].
	Replace(ctx context.Context, c Component, upsert Upsert) (Ref, error)

	// Show answers with as much of a name as there is; see [Service.Show].
	Show(ctx context.Context, w Which) (any, error)
	// List lists components by type and identifier; see [Service.List].
	List(ctx context.Context, typ string, hidden bool) ([]Listed, error)
	// Versions lists the versions of a component in order; none is no error.
	Versions(ctx context.Context, typ, identifier string, hidden bool) ([]Shown, error)
	// Record is what is stored of a version, as JSON. errs.NotFound.
	Record(ctx context.Context, w Which) (json.RawMessage, error)
	// Load returns a component with those inside it. errs.NotFound.
	Load(ctx context.Context, w Which) (Component, error)
	// Rows yields the rows of a data set, or an error; see [Service.Rows].
	Rows(ctx context.Context, d *Dataset) iter.Seq2[json.RawMessage, error]

	// Parents are the versions that have a component inside them. errs.NotFound.
	Parents(ctx context.Context, w Which) ([]Ref, error)
	// Children are the versions that a component has inside it. errs.NotFound.
	Children(ctx context.Context, w Which) ([]Ref, error)
	// Artifacts are the digests that a record names. errs.NotFound.
	Artifacts(ctx context.Context, w Which) ([]artifact.Digest, error)
	// Users are the components that name an artifact; none is no error.
	Users(ctx context.Context, digest artifact.Digest) ([]Ref, error)

	// Remove removes a version, or all of a component; see [Service.Remove].
	Remove(ctx context.Context, w Which, o RemoveOptions) (Removed, error)
	// Unhide shows hidden versions again; see [Service.Unhide].
	Unhide(ctx context.Context, w Which) ([]Ref, error)
	// Purge removes hidden versions that nobody uses; see [Service.Purge].
	Purge(ctx context.Context, w Which) ([]Ref, error)
	// Drop forgets all components, if it is confirmed; see [Service.Drop].
	Drop(ctx context.Context, o DropOptions) error

	// Predict is errs.Unsupported before there is an engine.
	Predict(ctx context.Context, model string, input any) (any, error)
	// Validate is errs.Unsupported, as Predict is.
	Validate(ctx context.Context, model string) (any, error)
}

var _ API = (*Service)(nil)
