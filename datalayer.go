package varve

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"strings"

	"github.com/varvedb/varve/artifact"
	"github.com/varvedb/varve/blob"
	"github.com/varvedb/varve/component"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/store"
)

// Part tells what one part of the data layer is.
type Part struct {
	Kind string `json:"kind"` // the scheme of its URL: "sqlite", "file", "local"
	URL  string `json:"url"`  // without secrets
}

// Databackend tells where the user's own tables are.
func (db *DB) Databackend() Part { return Part{db.src.Scheme, db.src.Redacted()} }

// Metadata tells where components are registered.
func (db *DB) Metadata() Part { return Part{db.metaSrc.Scheme, db.metaSrc.Redacted()} }

// Compute tells what runs jobs.
func (db *DB) Compute() Part { return Part{"local", "local"} }

// Artifacts keeps large bytes, and tells where.
func (db *DB) Artifacts() Artifacts { return Artifacts{db.artifactPlace, db.artifacts} }

// Artifacts is the artifact store of an open data layer.
type Artifacts struct {
	Part
	*artifact.Store
}

// datalayer is what the front door holds for components and their artifacts.
type datalayer struct {
	meta          store.Store // of components: the database itself, or another
	metaSrc       Source
	artifacts     *artifact.Store
	artifactFiles *blob.Bucket
	artifactPlace Part
	components    *component.Service
}

// openDatalayer opens what the databackend does not name: metadata is in the
// same database, artifacts are files beside it, compute is this
// process.
func (db *DB) openDatalayer(ctx context.Context, o Options) error {
	if o.Compute != "" && o.Compute != "local" && o.Compute != "local://" {
		kind, _, _ := strings.Cut(o.Compute, ":")
		return errs.Field(errs.Unsupported, "compute", "there is no compute of the kind %q; known is local", kind)
	}
	if err := db.openMetadata(ctx, o); err != nil {
		return err
	}
	return db.openArtifacts(ctx, o)
}

func (db *DB) openMetadata(ctx context.Context, o Options) error {
	db.meta, db.metaSrc = db.store, db.src.beside()
	if o.Metadata == "" {
		return nil
	}
	src, err := ParseURL(o.Metadata)
	if err != nil {
		return named(err, "metadata")
	}
	if src.same(db.src) || src.same(db.metaSrc) {
		return nil
	}
	driver := o.Drivers[src.Scheme]
	if driver == nil {
		return errs.Field(errs.Unsupported, "metadata", "this program has no driver for %q; known are %s", src.Scheme, strings.Join(known(o.Drivers), ", "))
	}
	meta, err := driver(ctx, src, o.Log.With("part", src.Scheme))
	if err != nil {
		return named(err, "metadata")
	}
	db.meta, db.metaSrc = meta, src
	return nil
}

func (db *DB) openArtifacts(ctx context.Context, o Options) (err error) {
	place := o.Artifacts
	within := o.Within
	if place == "" {
		place, within = beneath(db.folder(o), "artifacts"), ""
	}
	if place == "" {
		db.artifactFiles, db.artifactPlace = blob.OpenMemory(blob.Options{}), Part{"memory", "memory:"}
	} else {
		db.artifactFiles, err = blob.Open(ctx, place, o.Buckets, blob.Options{Within: within})
		if err != nil {
			return named(err, "artifacts")
		}
		db.artifactPlace = placed(place)
	}
	db.artifacts = artifact.New(artifactBucket{db.artifactFiles}, db.meta.Artifacts(), artifact.Options{Used: db.usedInRows, Local: db.apart()})
	if !o.Examine {
		db.warnApart(ctx, o)
	}
	db.components = component.New(db.meta.Components(), component.Options{
		Artifacts: db.artifacts, Data: db.query, Name: db.Name(), Log: o.Log.With("part", "components")})
	return nil
}

// folder is where bytes lie, of elements, the lake and artifacts, when their
// place is not named: one rule for all, whoever opens the database. "" is nowhere.
func (db *DB) folder(o Options) string {
	named := o.Data
	if named == "" && db.src.Path == "" {
		named = o.DefaultData
	}
	if named == "" {
		return db.src.folder()
	}
	return named
}

// formerly are the folders in which elements and the lake had their bytes when
// that depended on who opened a database: where a program had its data folder,
// and beside the file. None where somebody names a folder.
func (db *DB) formerly(o Options) (past []string) {
	if o.Data != "" || db.src.Path == "" {
		return nil
	}
	if o.DefaultData != "" {
		past = append(past, filepath.Join(o.DefaultData, "elements"))
	}
	return append(past, filepath.Join(db.src.dataFolder(), "elements"))
}

// beneath is a folder in another, which is nowhere in none.
func beneath(folder, name string) string {
	if folder == "" {
		return ""
	}
	return filepath.Join(folder, name)
}

// apart tells whether there may be nodes that share the metadata and do not
// reach the artifacts: these are in a folder or in memory, and that is not.
func (db *DB) apart() bool {
	alone := db.artifactPlace.Kind == "file" || db.artifactPlace.Kind == "memory"
	return alone && db.metaSrc.Path == "" && db.metaSrc.Scheme != "memory"
}

// warnApart says at once what whoever uses artifacts here will be told.
func (db *DB) warnApart(ctx context.Context, o Options) {
	if err := db.artifacts.AtHome(ctx); errors.Is(err, artifact.ErrApart) {
		o.Log.With("part", "artifacts").Warn("artifacts cannot be used on this node", "err", err)
	}
}

// placed tells where a bucket is: a folder is "file", however it is written.
func placed(address string) Part {
	switch scheme, rest := blob.Scheme(address); scheme {
	case "", "file", "filesystem":
		return Part{"file", "file://" + strings.TrimPrefix(rest, "//")}
	default:
		return Part{scheme, blob.Redacted(address)}
	}
}

func (d *datalayer) close(databackend store.Store) error {
	var err error
	if d.artifactFiles != nil {
		err = d.artifactFiles.Close()
	}
	if d.meta != nil && d.meta != databackend {
		err = errors.Join(err, d.meta.Close())
	}
	return err
}

// named says which option an error of opening is about.
func named(err error, option string) error {
	var e *errs.Error
	if errors.As(err, &e) {
		about := *e
		about.Field = option
		return &about
	}
	return err
}

// artifactBucket is a bucket as artifacts use it.
type artifactBucket struct{ files *blob.Bucket }

// Write implements artifact.Bucket.
func (b artifactBucket) Write(ctx context.Context, key string, r io.Reader) (int64, error) {
	return b.files.Write(ctx, key, r, "application/octet-stream")
}

// Open implements artifact.Bucket.
func (b artifactBucket) Open(ctx context.Context, key string) (io.ReadCloser, error) {
	c, err := b.files.Open(ctx, key)
	if err != nil {
		return nil, err
	}
	return c.Body, nil
}

// Delete implements artifact.Bucket.
func (b artifactBucket) Delete(ctx context.Context, key string) error {
	return b.files.Delete(ctx, key)
}
