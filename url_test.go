package varve_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/varvedb/varve"
	"github.com/varvedb/varve/errs"
)

func TestParseURL(t *testing.T) {
	t.Setenv("VARVE_URL", "")
	for url, want := range map[string][3]string{
		"":                            {"sqlite", "varve-data/varve.db", ""},
		"some/folder":                 {"sqlite", "some/folder/varve.db", ""},
		"/abs/folder":                 {"sqlite", "/abs/folder/varve.db", ""},
		`C:\folder`:                   {"sqlite", `C:\folder/varve.db`, ""},
		"sqlite:rel.db":               {"sqlite", "rel.db", ""},
		"sqlite:/abs.db":              {"sqlite", "/abs.db", ""},
		"sqlite://rel/x.db":           {"sqlite", "rel/x.db", ""},
		"sqlite:///abs/x.db":          {"sqlite", "/abs/x.db", ""},
		"sqlite+aiosqlite:///rel.db":  {"sqlite", "rel.db", ""},
		"sqlite+aiosqlite:////abs.db": {"sqlite", "/abs.db", ""},
		"sqlite:a%20b.db?mode=ro":     {"sqlite", "a b.db", ""},
		"postgres://u:p@h:5/d":        {"postgres", "", "postgres://u:p@h:5/d"},
		"postgresql://u:p@h/d":        {"postgres", "", "postgres://u:p@h/d"},
		"postgresql+asyncpg://h/d?sslmode=disable": {"postgres", "", "postgres://h/d?sslmode=disable"},
		"mysql://u:p@h:5/d":                        {"mysql", "", "mysql://u:p@h:5/d"},
		"mariadb://u:p@h/d":                        {"mysql", "", "mysql://u:p@h/d"},
		"mysql+aiomysql://u@h/d?charset=utf8mb4":   {"mysql", "", "mysql://u@h/d?charset=utf8mb4"},
		"memory://":                                {"memory", "", ""},
		"duckdb:x.db":                              {"duckdb", "x.db", ""},
		"duckdb:///abs/x.db":                       {"duckdb", "/abs/x.db", ""},
		"csv:some/folder":                          {"csv", "some/folder", ""},
		"csv://some/folder/*.csv":                  {"csv", "some/folder", ""},
		"some/folder/*.csv":                        {"csv", "some/folder", ""},
		"*.csv":                                    {"csv", ".", ""},
		"/*.csv":                                   {"csv", "/", ""},
		"csv:some/folder/*.csv?memory=1GiB":        {"csv", "some/folder", ""},
	} {
		got, err := varve.ParseURL(url)
		if err != nil {
			t.Errorf("%s: %v", url, err)
			continue
		}
		if g := [3]string{got.Scheme, got.Path, got.URL}; g != want {
			t.Errorf("%s: got %q, want %q", url, g, want)
		}
	}
}

func TestParseURLTakesTheEnvironmentsDefault(t *testing.T) {
	t.Setenv("VARVE_URL", "memory://")
	got, err := varve.ParseURL("")
	if err != nil || got.Scheme != "memory" {
		t.Fatalf("%v, %v", got, err)
	}
}

func TestParseURLRefusesWithoutRepeatingSecrets(t *testing.T) {
	for url, kind := range map[string]errs.Kind{
		"sqlite:":                          errs.Invalid,
		"sqlite+aiosqlite://secret.db":     errs.Invalid,
		"sqlite:x?%zz=secret":              errs.Invalid,
		"postgres:secret":                  errs.Invalid,
		"postgres://u:se%zzcret@h/d":       errs.Invalid,
		"postgres://u:secret@h:notaport/d": errs.Invalid,
		"mysql:secret":                     errs.Invalid,
		"cassandra://u:secret@h/d":         errs.Unsupported,
	} {
		_, err := varve.ParseURL(url)
		if !errors.Is(err, kind) {
			t.Errorf("%s: %v, want %s", url, err, kind)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v repeats a secret", url, err)
		}
	}
}

func TestRedactedMasksThePasswordWhole(t *testing.T) {
	for url, want := range map[string]string{
		"postgres://u:hunter2%21@h/d?sslpassword=hunter2&sslkey=/hunter2":    "postgres://u:xxxxx@h/d?sslkey=xxxxx&sslpassword=xxxxx",
		"postgresql+asyncpg://u:hunter2@h/d?token=hunter2&sslmode=disable":   "postgres://u:xxxxx@h/d?sslmode=disable&token=xxxxx",
		"mysql://u:hunter2@h/d?tls=true":                                     "mysql://u:xxxxx@h/d?tls=true",
		"dynamodb://T?region=r&endpoint=http://u:hunter2@h":                  "dynamodb://T?endpoint=xxxxx&region=r",
		"dynamodb://T?region=r&endpoint=http://h:1&secret_access_id=hunter2": "dynamodb://T?endpoint=http%3A%2F%2Fh%3A1&region=r&secret_access_id=xxxxx",
	} {
		src, err := varve.ParseURL(url)
		if err != nil {
			t.Fatal(err)
		}
		if got := src.Redacted(); got != want {
			t.Errorf("%s is shown as %s", url, got)
		}
	}
}
