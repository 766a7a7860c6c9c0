package bundle_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/varvedb/varve/artifact"
	"github.com/varvedb/varve/artifact/artifacttest"
	"github.com/varvedb/varve/component"
	"github.com/varvedb/varve/component/bundle"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/query"
	"github.com/varvedb/varve/store/memory"
)

// world is a database with components and artifacts.
type world struct {
	*component.Service
	bytes  *artifact.Store
	index  artifact.Index
	bucket *artifacttest.Bucket
	data   *query.Service
}

func newWorld(t *testing.T) world {
	st := memory.Open()
	t.Cleanup(func() { st.Close() })
	w := world{bucket: &artifacttest.Bucket{}, index: st.Artifacts(), data: query.NewService(st.Query(), query.Options{})}
	w.bytes = artifact.New(w.bucket, st.Artifacts(), artifact.Options{})
	w.Service = component.New(st.Components(), component.Options{Artifacts: w.bytes, Data: w.data})
	return w
}

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func named(identifier string) component.Base { return component.Base{Identifier: identifier} }

// search is an application with one of everything that an export must take.
func search(t *testing.T, w world) component.Component {
	put := must[artifact.Info](t)
	file := put(w.bytes.Put(t.Context(), strings.NewReader(strings.Repeat("weights", 9999)), "application/x-weights"))
	folder := put(w.bytes.PutFolder(t.Context(), fstest.MapFS{
		"vocabulary/a.txt": {Data: []byte("a")}, "vocabulary.txt": {Data: []byte("b")}, "empty": {}}))
	none := put(w.bytes.PutFolder(t.Context(), fstest.MapFS{}))
	must[*query.Result](t)(w.data.Execute(t.Context(), must[query.Query](t)(query.Parse(`insert into docs {"id": "1", "text": "one"}, {"id": "2", "text": "two"}`))))

	held := func(i artifact.Info) component.Bytes { return component.Bytes{Digest: string(i.Digest)} }
	words := &component.Model{Base: named("words"), Kind: "hash", Config: component.Object{"key": "env:KEY", "html": "<b>"},
		Artifacts: map[string]component.Bytes{"weights": held(file), "vocabulary": held(folder), "nothing": held(none), "prompt": {Data: []byte("be brief")}, "raw": {Data: []byte{0, 255}}}}
	first := &component.Listener{Base: named("embed"), Key: component.Raw(`"text"`), Model: component.Of(words), Select: component.Raw(`{"select":{"from":"docs"}}`)}
	must[component.Result](t)(w.Apply(t.Context(), first))
	second := &component.Listener{Base: named("again"), Key: component.Raw(`"text"`), Model: component.To("model", "words"), Select: component.Raw(`{"select":{"from":"docs","outputs":["embed"]}}`)}
	return &component.Application{Base: named("search"), Components: []component.Child{
		component.Of(second),
		component.Of(&component.VectorIndex{Base: named("meaning"), Indexing: component.ToVersion("listener", "embed", 0)}),
		component.Of(&component.Dataset{Base: named("kept"), Select: component.Raw(`{"select":{"from":"docs"}}`), Pin: true}),
		component.Of(&component.Template{Base: named("shape"), Body: component.Raw(`{"type_id":"metric","identifier":"<var:name>"}`),
			Blobs: map[string]component.Bytes{"weights": held(file)}}),
	}}
}

func TestWhatWasExportedIsThereElsewhere(t *testing.T) {
	for _, name := range []string{"search", "search.zip"} {
		t.Run(name, func(t *testing.T) {
			from, to := newWorld(t), newWorld(t)
			must[component.Result](t)(from.Apply(t.Context(), search(t, from)))
			path := filepath.Join(t.TempDir(), name)
			which := component.Newest("application", "search")
			told := must[bundle.Told](t)(bundle.Export(t.Context(), from, from.bytes, which, path))
			if names := told.Components; len(names) != 7 || names[6].Identifier != "search" {
				t.Errorf("has %v", names)
			}

			b := must[*bundle.Bundle](t)(bundle.Read(t.Context(), path))
			defer b.Close()
			if b.Digest != told.Digest || !bundle.Is(path) {
				t.Errorf("is %s, was %s", b.Digest, told.Digest)
			}
			if plan := must[component.Plan](t)(to.Plan(t.Context(), b.Components()...)); len(plan.Created) != 7 {
				t.Errorf("would create %v", plan.Created)
			}
			if _, err := to.Apply(t.Context(), b.Components()...); !errors.Is(err, errs.Invalid) || !strings.Contains(err.Error(), "put it first") {
				t.Errorf("without its artifacts: %v", err)
			}
			if kept := must[[]artifact.Info](t)(to.bytes.List(t.Context(), "", 9)); len(kept) > 0 {
				t.Errorf("a plan kept %v", kept)
			}
			for _, c := range b.Components() {
				if m, ok := c.(*component.Model); ok {
					text := must[[]byte](t)(m.Artifacts["weights"].Read(t.Context()))
					if string(text) != strings.Repeat("weights", 9999) {
						t.Errorf("read %d bytes out of the export", len(text))
					}
				}
			}
			if err := b.Store(t.Context(), to.bytes); err != nil {
				t.Fatal(err)
			}
			done := must[component.Result](t)(to.Apply(t.Context(), b.Components()...))
			if len(done.Created) != 7 {
				t.Errorf("created %v", done.Created)
			}

			d := must[component.Component](t)(to.Load(t.Context(), component.Newest("dataset", "kept"))).(*component.Dataset)
			rows := 0
			for _, err := range to.Rows(t.Context(), d) {
				if rows++; err != nil {
					t.Fatal(err)
				}
			}
			if rows != 2 {
				t.Errorf("the pinned data set has %d rows", rows)
			}
			again := filepath.Join(t.TempDir(), name)
			if second := must[bundle.Told](t)(bundle.Export(t.Context(), to, to.bytes, which, again)); second.Digest != told.Digest {
				t.Errorf("exported from there it is another")
			}
			if diff := cmp.Diff(contents(t, path), contents(t, again)); diff != "" {
				t.Errorf("two exports of one thing differ: %s", diff)
			}
		})
	}
}

// contents are all files of a folder, or the bytes of a file.
func contents(t *testing.T, path string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(path, func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		raw, err := os.ReadFile(name)
		rest, _ := filepath.Rel(path, name)
		out[rest] = string(raw)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestAnExportIsAppliedWhereItComesFrom(t *testing.T) {
	w := newWorld(t)
	app := &component.Application{Base: named("app"), Components: []component.Child{component.Of(&component.Metric{Base: named("m")})}}
	must[component.Result](t)(w.Apply(t.Context(), app))
	path := filepath.Join(t.TempDir(), "x")
	must[bundle.Told](t)(bundle.Export(t.Context(), w, w.bytes, component.Newest("application", "app"), path))
	b := must[*bundle.Bundle](t)(bundle.Read(t.Context(), path))
	defer b.Close()
	if done := must[component.Result](t)(w.Apply(t.Context(), b.Components()...)); len(done.Unchanged) != 2 {
		t.Errorf("changes %v", done)
	}
}

func TestTwoVersionsOfOneAreNotExported(t *testing.T) {
	w := newWorld(t)
	must[component.Result](t)(w.Apply(t.Context(), &component.Model{Base: named("m"), Kind: "hash"}))
	must[component.Result](t)(w.Apply(t.Context(), &component.Model{Base: named("m"), Kind: "other"}))
	listener := func(name string, version int) component.Child {
		return component.Of(&component.Listener{Base: named(name), Key: component.Raw(`"x"`), Model: component.ToVersion("model", "m", version)})
	}
	must[component.Result](t)(w.Apply(t.Context(), &component.Application{Base: named("app"), Components: []component.Child{listener("a", 0), listener("b", 1)}}))
	_, err := bundle.Export(t.Context(), w, w.bytes, component.Newest("application", "app"), filepath.Join(t.TempDir(), "x"))
	if !errors.Is(err, errs.Conflict) || !strings.Contains(err.Error(), "model/m") {
		t.Errorf("got %v", err)
	}
}

func TestAnExportThatFailsLeavesNothing(t *testing.T) {
	w := newWorld(t)
	must[component.Result](t)(w.Apply(t.Context(), search(t, w)))
	which := component.Newest("application", "search")
	for _, name := range []string{"x", "x.zip"} {
		dir := t.TempDir()
		leaves := func(ctx context.Context, why string, want errs.Kind, path string, which component.Which) {
			t.Helper()
			before := contents(t, dir)
			if _, err := bundle.Export(ctx, w, w.bytes, which, path); err == nil || want != "" && !errors.Is(err, want) {
				t.Errorf("%s: got %v", why, err)
			}
			if diff := cmp.Diff(before, contents(t, dir)); diff != "" {
				t.Errorf("%s: changed %s", why, diff)
			}
			if list, _ := os.ReadDir(dir); len(list) > 1 {
				t.Errorf("%s: leaves %v", why, list)
			}
		}
		path := filepath.Join(dir, name)
		ended, end := context.WithCancel(t.Context())
		end()
		leaves(ended, "nobody waits", "", path, which)
		leaves(t.Context(), "nothing of that name", errs.NotFound, path, component.Newest("application", "other"))
		leaves(t.Context(), "no folder", errs.Unavailable, filepath.Join(dir, "none", name), which)
		must[bundle.Told](t)(bundle.Export(t.Context(), w, w.bytes, which, path))
		leaves(t.Context(), "it is there", errs.Exists, path, which)
	}
	dir := t.TempDir()
	must[bundle.Told](t)(bundle.Export(t.Context(), w, w.bytes, which, dir)) // an empty folder is free
	damaged := must[artifact.Info](t)(w.bytes.Put(t.Context(), strings.NewReader(strings.Repeat("weights", 9999)), ""))
	w.bucket.Harm(t, damaged.Digest, w.index, func(b []byte) []byte { b[7]++; return b })
	if _, err := bundle.Export(t.Context(), w, w.bytes, which, filepath.Join(t.TempDir(), "x")); !errors.Is(err, errs.Internal) {
		t.Errorf("of damaged bytes: %v", err)
	}
}

func TestSecretsAreNotExported(t *testing.T) {
	w := newWorld(t)
	m := &component.Model{Base: named("m"), Config: component.Object{"api_key": "env:KEY"}}
	must[component.Result](t)(w.Apply(t.Context(), m))
	// What another program wrote into the record is not trusted.
	path := filepath.Join(t.TempDir(), "x")
	spoiled := &component.Model{Base: named("m"), Config: component.Object{"api_key": "sk-12345", "url": "https://me:hunter2@example.com"}}
	must[bundle.Told](t)(bundle.Export(t.Context(), one{w.Service, spoiled}, w.bytes, component.Newest("model", "m"), path))
	for name, text := range contents(t, path) {
		if strings.Contains(text, "sk-12345") || strings.Contains(text, "hunter2") {
			t.Errorf("%s has a secret: %s", name, text)
		}
	}
}

// one is a source of one component.
type one struct {
	component.API
	c component.Component
}

func (o one) Load(context.Context, component.Which) (component.Component, error) {
	return o.c, nil
}

func TestStoringTakesWhatIsThereAlready(t *testing.T) {
	from, to := newWorld(t), newWorld(t)
	must[component.Result](t)(from.Apply(t.Context(), search(t, from)))
	path := filepath.Join(t.TempDir(), "x.zip")
	must[bundle.Told](t)(bundle.Export(t.Context(), from, from.bytes, component.Newest("application", "search"), path))
	b := must[*bundle.Bundle](t)(bundle.Read(t.Context(), path))
	defer b.Close()
	for range 2 {
		if err := b.Store(t.Context(), to.bytes); err != nil {
			t.Fatal(err)
		}
	}
	kept := must[[]artifact.Info](t)(to.bytes.List(t.Context(), "", 100))
	if all := must[[]artifact.Info](t)(from.bytes.List(t.Context(), "", 100)); !slices.Equal(kept, all) {
		t.Errorf("has %v of %v", kept, all)
	}
}
