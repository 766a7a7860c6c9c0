package varve_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/varvedb/varve"
	"github.com/varvedb/varve/all"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/internal/pgtest"
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
		"filesystem":  {Artifacts: "filesystem://./artifacts"},
		"file":        {Artifacts: "file://" + filepath.Join(dir, "artifacts")},
		"folder":      {Artifacts: "artifacts/"},
		"compute":     {Compute: "local"},
		"all at once": {Metadata: "sqlite:my.db", Artifacts: "./artifacts", Compute: "local"},
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
			r, err := open(t, "sqlite:my.db", varve.Options{}).Artifacts().Open(t.Context(), info.Digest)
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

func open(t *testing.T, url string, o varve.Options) *varve.DB {
	t.Helper()
	db, err := all.Open(t.Context(), url, &o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
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
