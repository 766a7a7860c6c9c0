package varve_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/varvedb/varve"
	"github.com/varvedb/varve/all"
	"github.com/varvedb/varve/component"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/internal/mytest"
	"github.com/varvedb/varve/internal/pgtest"
	"github.com/varvedb/varve/query"
)

// One URL names everything; naming the same again names the same.
func TestWhatOneURLOpens(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	ours := varve.Part{Kind: "sqlite", URL: "sqlite:my.db"}
	for name, spelled := range map[string]varve.Options{
		"nothing":     {},
		"metadata":    {Metadata: "sqlite://my.db"},
		"SQLAlchemy":  {Metadata: "sqlite+aiosqlite:///my.db"},
		"absolute":    {Metadata: "sqlite:" + filepath.Join(dir, "my.db")},
		"filesystem":  {Artifacts: "filesystem://./my.db.varve/artifacts"},
		"file":        {Artifacts: "file://" + filepath.Join(dir, "my.db.varve", "artifacts")},
		"folder":      {Artifacts: "my.db.varve/artifacts/"},
		"compute":     {Compute: "local"},
		"all at once": {Metadata: "sqlite:my.db", Artifacts: "./my.db.varve/artifacts", Compute: "local"},
	} {
		t.Run(name, func(t *testing.T) {
			put := open(t, "sqlite://my.db", spelled)
			if put.Databackend() != ours || put.Metadata() != ours || put.Compute() != (varve.Part{Kind: "local", URL: "local"}) || put.Artifacts().Kind != "file" {
				t.Errorf("it opened %v, %v, %v, %v", put.Databackend(), put.Metadata(), put.Artifacts().Part, put.Compute())
			}
			info, err := put.Artifacts().Put(t.Context(), strings.NewReader(name), "text/plain")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := put.Execute(t.Context(), query.Into("docs").Rows(query.Row{"id": name})); err != nil {
				t.Fatal(err)
			}
			if _, err := put.Apply(t.Context(), &component.Metric{Base: component.Base{Identifier: name}}); err != nil {
				t.Fatal(err)
			}
			plain := open(t, "sqlite:my.db", varve.Options{})
			if _, err := plain.Load(t.Context(), component.Newest("metric", name)); err != nil {
				t.Error(err)
			}
			if answer, err := plain.Execute(t.Context(), query.From("docs").Where(query.Eq("id", name))); err != nil {
				t.Error(err)
			} else if rows, err := answer.All(); err != nil || len(rows) != 1 {
				t.Errorf("%v, %v", rows, err)
			}
			r, err := plain.Artifacts().Open(t.Context(), info.Digest)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			if text, err := io.ReadAll(r); err != nil || string(text) != name {
				t.Errorf("%q came back, %v", text, err)
			}
		})
	}
}

// Bytes are beside a database in files, unless a data folder was chosen: those of
// artifacts and those of elements and the lake.
func TestWhereBytesLie(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, c := range []struct {
		url, want string
		o         varve.Options
	}{
		{url: "sqlite:my.db", want: "my.db.varve"},
		{url: "sqlite:my.db", o: varve.Options{DefaultData: "data"}, want: "my.db.varve"},
		{url: "sqlite:my.db", o: varve.Options{Data: "data"}, want: "data"},
		{url: "duckdb:my.duck", o: varve.Options{DefaultData: "data"}, want: "my.duck.varve"},
		{url: "./folder", want: "folder"},
		{url: "sqlite:folder/varve.db", o: varve.Options{DefaultData: "data"}, want: "folder"},
		{url: "", want: "varve-data"},
		{url: "csv:.", o: varve.Options{DefaultData: "data"}, want: ".varve"},
		{url: "memory:", o: varve.Options{DefaultData: "data"}, want: "data"},
	} {
		t.Setenv("VARVE_URL", "")
		db := open(t, c.url, c.o)
		if got := db.Artifacts().Part; got != (varve.Part{Kind: "file", URL: "file://" + filepath.Join(c.want, "artifacts")}) {
			t.Errorf("%s with %q, %q: artifacts are at %v", c.url, c.o.Data, c.o.DefaultData, got)
		}
		if got := db.Elements(); got != filepath.Join(c.want, "elements") {
			t.Errorf("%s with %q, %q: elements are at %v", c.url, c.o.Data, c.o.DefaultData, got)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
}

// What lies where it lay when that depended on who opened the database is found.
func TestWhereBytesLay(t *testing.T) {
	t.Chdir(t.TempDir())
	for place, key := range map[string]string{"elements": "by the library", "data/elements": "by the program"} {
		old := open(t, "sqlite:my.db", varve.Options{Elements: place})
		_, err := old.Files().Write(t.Context(), key, strings.NewReader(key), "")
		if err := errors.Join(err, old.Close()); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		o     varve.Options
		found []string
	}{
		{varve.Options{}, []string{"by the library"}},
		{varve.Options{DefaultData: "data"}, []string{"by the library", "by the program"}},
		{varve.Options{Data: "data"}, []string{"by the program"}},
	} {
		db := open(t, "sqlite:my.db", c.o)
		var found []string
		for _, key := range []string{"by the library", "by the program"} {
			if there, err := db.Files().Exists(t.Context(), key); err != nil {
				t.Error(err)
			} else if there {
				found = append(found, key)
			}
		}
		if !slices.Equal(found, c.found) {
			t.Errorf("with %q, %q: found %q", c.o.Data, c.o.DefaultData, found)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
}

func open(t *testing.T, url string, o varve.Options) *varve.DB {
	t.Helper()
	db, err := all.Open(t.Context(), url, &o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// The same at a server: its database has the tables and the components, and a
// folder the artifacts, however its address is spelled.
func TestWhatAServersURLOpens(t *testing.T) {
	for kind, url := range map[string]string{"postgres": pgtest.New(t), "mysql": mytest.New(t)} {
		_, rest, _ := strings.Cut(url, "://")
		other := map[string]string{"postgres": "postgresql+asyncpg://", "mysql": "mysql+aiomysql://"}[kind] + rest
		artifacts := t.TempDir()
		for name, o := range map[string]varve.Options{"nothing": {}, "metadata": {Metadata: url}, "SQLAlchemy": {Metadata: other}} {
			t.Run(kind+" "+name, func(t *testing.T) {
				o.Artifacts = artifacts
				db := open(t, url, o)
				if db.Databackend().Kind != kind || db.Metadata() != db.Databackend() || db.Artifacts().Kind != "file" || db.Compute().Kind != "local" {
					t.Errorf("it opened %v, %v, %v, %v", db.Databackend(), db.Metadata(), db.Artifacts().Part, db.Compute())
				}
				m := &component.Model{Base: component.Base{Identifier: name}, Artifacts: map[string]component.Bytes{"w": {Data: make([]byte, 1<<16)}}}
				if _, err := db.Apply(t.Context(), m); err != nil {
					t.Fatal(err)
				}
				loaded, err := open(t, other, varve.Options{Artifacts: artifacts}).Load(t.Context(), component.Newest("model", name))
				if err != nil {
					t.Fatal(err)
				}
				if w, err := loaded.(*component.Model).Artifacts["w"].Read(t.Context()); err != nil || len(w) != 1<<16 {
					t.Errorf("%d bytes came back, %v", len(w), err)
				}
			})
		}
	}
}

func TestMetadataElsewhere(t *testing.T) {
	url := pgtest.New(t)
	db := open(t, "memory:", varve.Options{Metadata: url, Artifacts: t.TempDir()})
	if db.Databackend().Kind != "memory" || db.Metadata().Kind != "postgres" {
		t.Errorf("it opened %v and %v", db.Databackend(), db.Metadata())
	}
	info, err := db.Artifacts().Put(t.Context(), strings.NewReader("kept"), "")
	if err != nil {
		t.Fatal(err)
	}
	again := open(t, "memory:", varve.Options{Metadata: url, Artifacts: t.TempDir()})
	if _, err := again.Artifacts().Stat(t.Context(), info.Digest); err != nil {
		t.Errorf("the index is not in the metadata: %v", err)
	}
}

func TestAMemoryKeepsArtifactsInMemory(t *testing.T) {
	t.Chdir(t.TempDir())
	db := open(t, "memory:", varve.Options{})
	if _, err := db.Artifacts().Put(t.Context(), strings.NewReader("x"), ""); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir("."); err != nil || len(left) > 0 || db.Artifacts().Kind != "memory" {
		t.Errorf("%v was written, %v", left, err)
	}
}

func TestPartsThatCannotBeOpened(t *testing.T) {
	for field, o := range map[string]varve.Options{
		"metadata":  {Metadata: "cassandra://u:secret@h/d"},
		"artifacts": {Artifacts: "ftp://u:secret@h/d"},
		"compute":   {Compute: "dask+tcp://u:secret@h:8786"},
	} {
		db, err := all.Open(context.Background(), "memory:", &o)
		var e *errs.Error
		if err == nil {
			db.Close()
		}
		if !errors.As(err, &e) || e.Kind != errs.Unsupported || e.Field != field || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", field, err)
		}
	}
}

// Two nodes with folders of their own would split the artifacts of a database
// that they share: the second is told so, and what would help.
func TestASecondNodeWithAFolderOfItsOwn(t *testing.T) {
	for name, url := range map[string]string{"postgres": pgtest.New(t), "mysql": mytest.New(t)} {
		t.Run(name, func(t *testing.T) {
			ctx, shared := t.Context(), t.TempDir()
			var told strings.Builder
			log := slog.New(slog.NewTextHandler(&told, nil))
			first := open(t, url, varve.Options{Data: t.TempDir(), Artifacts: shared})
			second := open(t, url, varve.Options{Data: t.TempDir(), Log: log})
			if strings.Contains(told.String(), "artifacts") {
				t.Errorf("nothing is kept yet, and it says %s", told.String())
			}
			info, err := first.Artifacts().Put(ctx, strings.NewReader("kept"), "")
			if err != nil {
				t.Fatal(err)
			}
			if kept, err := first.Artifacts().List(ctx, "", 10); err != nil || len(kept) != 1 {
				t.Errorf("kept are %v, %v", kept, err)
			}
			refused := func(err error) {
				t.Helper()
				var e *errs.Error
				if !errors.As(err, &e) || e.Kind != errs.Unsupported || !strings.Contains(e.Detail, "--artifacts") {
					t.Errorf("the second node is told %v", err)
				}
			}
			_, err = second.Artifacts().Put(ctx, strings.NewReader("split"), "")
			refused(err)
			_, err = second.Artifacts().Open(ctx, info.Digest)
			refused(err)
			_, err = second.Apply(ctx, &component.Model{Base: component.Base{Identifier: "m"}, Artifacts: map[string]component.Bytes{"w": {Data: make([]byte, 1<<16)}}})
			refused(err)
			_, err = second.Sweep(ctx)
			refused(err)
			if _, err := second.Apply(ctx, &component.Model{Base: component.Base{Identifier: "small"}}); err != nil {
				t.Errorf("what needs no artifacts goes on: %v", err)
			}
			open(t, url, varve.Options{Data: t.TempDir(), Log: log})
			if !strings.Contains(told.String(), "cannot be used on this node") {
				t.Errorf("whoever opens it now is told %s", told.String())
			}

			third := open(t, url, varve.Options{Data: t.TempDir(), Artifacts: shared})
			if _, err := third.Artifacts().Put(ctx, strings.NewReader("together"), ""); err != nil {
				t.Errorf("a folder that both reach: %v", err)
			}
			if _, err := first.Artifacts().Put(ctx, strings.NewReader("again"), ""); err != nil {
				t.Error(err)
			}
		})
	}
}

// What nobody names goes by itself after a while.
func TestArtifactsAreSweptWhileADatabaseIsOpen(t *testing.T) {
	t.Chdir(t.TempDir())
	synctest.Test(t, func(t *testing.T) {
		db, err := all.Open(t.Context(), "memory:", nil)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if _, err := db.Artifacts().Put(t.Context(), strings.NewReader("unwanted"), ""); err != nil {
			t.Fatal(err)
		}
		model := &component.Model{Base: component.Base{Identifier: "m"}, Artifacts: map[string]component.Bytes{"w": {Data: make([]byte, 1<<16)}}}
		if _, err := db.Apply(t.Context(), model); err != nil {
			t.Fatal(err)
		}
		<-time.After(7 * time.Hour) // of the bubble
		synctest.Wait()
		if kept, err := db.Artifacts().List(t.Context(), "", 10); err != nil || len(kept) != 1 || kept[0].Size != 1<<16 {
			t.Errorf("kept are %v, %v", kept, err)
		}
	})
}
