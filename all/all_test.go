package all_test

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/varvedb/varve"
	"github.com/varvedb/varve/all"
	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/internal/dynamotest"
	"github.com/varvedb/varve/internal/mytest"
	"github.com/varvedb/varve/internal/pgtest"
	"github.com/varvedb/varve/store"
)

// TestOpen writes and reads back through every driver there is.
func TestOpen(t *testing.T) {
	urls := map[string]string{
		"memory":   "memory:",
		"sqlite":   "sqlite:" + filepath.Join(t.TempDir(), "new", "varve.db"),
		"csv":      "csv:" + filepath.Join(t.TempDir(), "new"),
		"duckdb":   "duckdb:" + filepath.Join(t.TempDir(), "new", "docs.duckdb"),
		"postgres": pgtest.New(t),
		"mysql":    mytest.New(t),
		"dynamodb": mended(t, dynamotest.Missing(t)),
	}
	for scheme := range all.Drivers() {
		t.Run(scheme, func(t *testing.T) {
			ctx := context.Background()
			db, err := all.Open(ctx, urls[scheme], &varve.Options{Data: t.TempDir()})
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			if _, err := db.Chat().PutStep(ctx, chat.Step{ID: "9b2d5a3e-6c0f-4c8e-9a53-0a8b8f1c7e11",
				ThreadID: "3fa85f64-5717-4562-b3fc-2c963f66afa6", Type: "user_message", Output: "hello"}); err != nil {
				t.Fatal(err)
			}
			thread, err := db.Chat().Thread(ctx, "3fa85f64-5717-4562-b3fc-2c963f66afa6")
			if err != nil || len(thread.Steps) != 1 || thread.Steps[0].Output != "hello" {
				t.Errorf("%+v, %v", thread, err)
			}
		})
	}
}

// mended makes by the doctor what a URL names.
func mended(t *testing.T, url string) string {
	t.Helper()
	db, err := all.Open(t.Context(), url, &varve.Options{Examine: true, Data: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	doctor, err := db.Doctor()
	if err != nil {
		t.Fatal(err)
	}
	if err := doctor.Mend(t.Context()); err != nil {
		t.Fatal(err)
	}
	return url
}

func TestAFolderIsADatabase(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "data")
	db, err := all.Open(context.Background(), folder, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if want := "sqlite:" + filepath.Join(folder, "varve.db"); db.Source() != want {
		t.Errorf("%s, want %s", db.Source(), want)
	}
	if db.Files() == nil {
		t.Error("there is no place for elements")
	}
}

func TestWhatCannotBeOpened(t *testing.T) {
	for url, kind := range map[string]errs.Kind{
		"cassandra://h/db":           errs.Unsupported,
		"mysql://127.0.0.1:1/nobody": errs.Unavailable,
		"mysql://127.0.0.1:1":        errs.Invalid,
		"sqlite:" + filepath.Join(t.TempDir(), "no", "such", "x.db"): errs.Unavailable,
		"sqlite:x.db?mode=ro":               errs.Invalid,
		"sqlite:x.db?synchronous=sometimes": errs.Invalid,
		"sqlite:" + t.TempDir():             "",
		"postgres://127.0.0.1:1/nobody":     errs.Unavailable,
	} {
		db, err := all.Open(context.Background(), url, nil)
		if err == nil {
			db.Close()
			t.Errorf("%s opens", url)
			continue
		}
		if kind != "" && !errors.Is(err, kind) {
			t.Errorf("%s: %v is %s, want %s", url, err, errs.KindOf(err), kind)
		}
	}
}

func TestADriverOfTheCallersGoesBefore(t *testing.T) {
	mine := errors.New("mine")
	drivers := map[string]varve.Driver{
		"memory": func(context.Context, varve.Source, *slog.Logger) (store.Store, error) { return nil, mine },
	}
	_, err := all.Open(context.Background(), "memory:", &varve.Options{Drivers: drivers})
	if !errors.Is(err, mine) {
		t.Errorf("%v", err)
	}
}
