package varve

import (
	"context"
	"net/url"
	"path"
	"path/filepath"

	"github.com/varvedb/varve/artifact"
	"github.com/varvedb/varve/component"
	"github.com/varvedb/varve/query"
)

// Components is the room of components: what is declared beside the data, with
// its versions.
func (db *DB) Components() *component.Service { return db.components }

// Add registers components; it is [DB.Apply].
func (db *DB) Add(ctx context.Context, cs ...component.Component) (component.Result, error) {
	return db.components.Apply(ctx, cs...)
}

// Apply registers components, with those inside them; see
// [component.Service.Apply].
func (db *DB) Apply(ctx context.Context, cs ...component.Component) (component.Result, error) {
	return db.components.Apply(ctx, cs...)
}

// Plan tells what Apply would do; see [component.Service.Plan].
func (db *DB) Plan(ctx context.Context, cs ...component.Component) (component.Plan, error) {
	return db.components.Plan(ctx, cs...)
}

// Show tells what is registered; see [component.Service.Show].
func (db *DB) Show(ctx context.Context, w component.Which) (any, error) {
	return db.components.Show(ctx, w)
}

// Load returns a component that is registered; see [component.Service.Load].
func (db *DB) Load(ctx context.Context, w component.Which) (component.Component, error) {
	return db.components.Load(ctx, w)
}

// Replace overwrites the record of a component; see
// [component.Service.Replace].
func (db *DB) Replace(ctx context.Context, c component.Component, upsert component.Upsert) (component.Ref, error) {
	return db.components.Replace(ctx, c, upsert)
}

// Remove removes components; see [component.Service.Remove].
func (db *DB) Remove(ctx context.Context, w component.Which, o component.RemoveOptions) (component.Removed, error) {
	return db.components.Remove(ctx, w, o)
}

// Drop forgets all components. It wants the name of the database, see
// [DB.Name], as its confirmation; see [component.Service.Drop].
func (db *DB) Drop(ctx context.Context, o component.DropOptions) error {
	return db.components.Drop(ctx, o)
}

// Predict is errs.Unsupported: no engine runs models yet.
func (db *DB) Predict(ctx context.Context, model string, input any) (any, error) {
	return db.components.Predict(ctx, model, input)
}

// Validate is errs.Unsupported: no engine runs models yet.
func (db *DB) Validate(ctx context.Context, model string) (any, error) {
	return db.components.Validate(ctx, model)
}

// Sweep takes away what an apply that was interrupted left behind, and the
// bytes of artifacts that no component and no row has named for an hour. It may
// run while others write.
func (db *DB) Sweep(ctx context.Context) (artifact.Swept, error) {
	if err := db.components.Sweep(ctx); err != nil {
		return artifact.Swept{}, err
	}
	return db.artifacts.Sweep(ctx, false)
}

// Name is that of the database: of its file, or as its server calls it.
func (db *DB) Name() string {
	if db.src.Path != "" {
		return filepath.Base(db.src.Path)
	}
	if u, err := url.Parse(db.src.URL); err == nil && path.Base(u.Path) != "." && path.Base(u.Path) != "/" {
		return path.Base(u.Path)
	}
	return db.src.Scheme
}

// usedInRows tells the artifacts that rows of the user's tables name.
func (db *DB) usedInRows(ctx context.Context, tell func(artifact.Digest)) error {
	tables, err := db.query.Tables(ctx)
	if err != nil {
		return err
	}
	for _, t := range tables {
		for _, c := range t.Columns {
			if c.Type.Kind != query.File || t.Reserved != "" {
				continue
			}
			if err := db.usedInColumn(ctx, t.Name, c.Name, tell); err != nil {
				return err
			}
		}
	}
	return nil
}

func (db *DB) usedInColumn(ctx context.Context, table, column string, tell func(artifact.Digest)) error {
	answer, err := db.query.Execute(ctx, query.From(table).Select(table+"."+column).Where(query.NotNull(table+"."+column)))
	if err != nil {
		return err
	}
	for values, err := range answer.Values() {
		if err != nil {
			return err
		}
		ref, _ := values[0].(string)
		d, err := artifact.ParseDigest(ref)
		if err != nil {
			return err
		}
		tell(d)
	}
	return nil
}
