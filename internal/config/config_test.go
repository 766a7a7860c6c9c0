package config

import (
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/varvedb/varve/errs"
)

func load(t *testing.T, file string, environ []string, flags map[string][]string) (Config, []string, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "varve.yaml")
	if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	return Load(Sources{File: path, Environ: environ, Flags: flags})
}

func TestWhatStandsFurtherUpReplacesWhatIsBelow(t *testing.T) {
	file := "data: file\nlisten: [unix, '127.0.0.1:1']\nmax-body: 1MiB\npublic-url: https://file\n"
	c, warnings, err := load(t, file, []string{"VARVE_DATA=env", "VARVE_LISTEN=:2, :3", "VARVE_PUBLIC_URL=", "VARVE_NONSENSE=1", "OTHER=1"},
		map[string][]string{"data": {"flag"}})
	if err != nil {
		t.Fatal(err)
	}
	if c.Data != "flag" || !reflect.DeepEqual(c.Listen, []string{":2", ":3"}) || c.MaxBody != 1<<20 || c.PublicURL != "https://file" {
		t.Errorf("%+v", c)
	}
	if c.MaxContent != Default().MaxContent || c.Set("max-content") || !c.Set("data") {
		t.Errorf("%+v", c)
	}
	if len(warnings) != 1 || !strings.Contains(warnings[0], "VARVE_NONSENSE") {
		t.Errorf("warnings %q", warnings)
	}
}

// Every name of a part of the data layer is as good as the others, in the file
// and in the environment.
func TestEveryNameOfAPart(t *testing.T) {
	for setting, names := range map[string][]string{
		"url":       {"url", "databackend", "data_backend", "data-backend"},
		"metadata":  {"metadata", "metadata_store", "metadata-store"},
		"artifacts": {"artifacts", "artifact_store", "artifact-store"},
		"compute":   {"compute"},
	} {
		for _, name := range names {
			variable := "VARVE_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
			fromFile, _, err := load(t, name+": memory://", nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			fromEnv, warnings, err := load(t, "", []string{variable + "=memory://"}, nil)
			if err != nil || len(warnings) > 0 {
				t.Fatal(warnings, err)
			}
			for where, c := range map[string]Config{"varve.yaml:1": fromFile, variable: fromEnv} {
				if got := map[string]string{"url": c.URL, "metadata": c.Metadata, "artifacts": c.Artifacts, "compute": c.Compute}[setting]; got != "memory://" {
					t.Errorf("%s at %s sets %s to %q", name, where, setting, got)
				}
				if !strings.HasSuffix(c.origin[setting], where) {
					t.Errorf("%s comes from %s, not %s", name, c.origin[setting], where)
				}
			}
		}
	}
}

func TestOneOfSeveralVariablesForOneSettingIsUsed(t *testing.T) {
	for _, c := range []struct {
		environ   []string
		url, warn string
	}{
		{[]string{"VARVE_DATABACKEND=memory:", "VARVE_URL=y"}, "y", "VARVE_DATABACKEND is not used: VARVE_URL says"},
		{[]string{"VARVE_URL=y", "VARVE_DATABACKEND=memory:"}, "y", "VARVE_DATABACKEND is not used: VARVE_URL says"},
		{[]string{"VARVE_DATA_BACKEND=y", "VARVE_DATABACKEND=z"}, "y", "VARVE_DATABACKEND is not used: VARVE_DATA_BACKEND says"},
		{[]string{"VARVE_URL=y", "VARVE_DATABACKEND=y"}, "y", ""},
		{[]string{"VARVE_URL=", "VARVE_DATABACKEND=y"}, "y", ""},
		{[]string{"VARVE_DATABACKEND=y", "VARVE_URL="}, "y", ""},
		{[]string{"VARVE_DATABACKEND=y", "VARVE_DATABACKEND=z"}, "z", ""},
	} {
		got, warnings, err := load(t, "", c.environ, nil)
		told := strings.Join(warnings, "; ")
		if err != nil || got.URL != c.url || !strings.Contains(told, c.warn) || (c.warn == "") != (told == "") {
			t.Errorf("%q: %q, %q, %v", c.environ, got.URL, told, err)
		}
	}
}

func TestDatabases(t *testing.T) {
	want := []Database{{"a", "sqlite:a.db"}, {"b", "postgres://h,h2/b?x=y=z"}}
	for name, c := range map[string]func() (Config, error){
		"mapping": func() (Config, error) {
			c, _, err := load(t, "database:\n  a: sqlite:a.db\n  b: postgres://h,h2/b?x=y=z\n", nil, nil)
			return c, err
		},
		"variable": func() (Config, error) {
			c, _, err := load(t, "", []string{"VARVE_DATABASE=a=sqlite:a.db b=postgres://h,h2/b?x=y=z"}, nil)
			return c, err
		},
		"flags": func() (Config, error) {
			c, _, err := load(t, "# nothing\n", nil, map[string][]string{"database": {"a=sqlite:a.db", "b=postgres://h,h2/b?x=y=z"}})
			return c, err
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := c(); err != nil || !reflect.DeepEqual(got.Databases, want) {
				t.Errorf("%+v, %v", got.Databases, err)
			}
		})
	}
}

func TestWrongFilesAreRefusedWithTheirLine(t *testing.T) {
	for file, want := range map[string]string{
		"data: x\nlissten: y\n":            "varve.yaml:2",
		"data: x\n\n\ndata: y\n":           "varve.yaml:4",
		"data: [x]\n":                      "data: is a text (",
		"data: ''\n":                       "data: must not be empty",
		"listen: {a: b}\n":                 "varve.yaml:1",
		"listen: [[a]]\n":                  "is a list of texts",
		"listen: nowhere\n":                "is HOST:PORT",
		"database: {a: {b: c}}\n":          "is a mapping of names to texts",
		"max-body: -1\n":                   "is a number of bytes",
		"log: {chat: loud}\n":              "a level is",
		"log: DEBUG\n":                     "a level is",
		"- a\n- b\n":                       "varve.yaml:1",
		"a: b: c\n":                        "varve.yaml:1",
		"data: x\n---\ndata: y\n":          "more than one document",
		"data: \"unfinished\nlisten: x\n":  "no YAML",
		"? {complicated: key}\n: value\n":  "there is no such key",
		"<<: {data: merged}\nlisten: ':1'": "there is no such key",
	} {
		_, _, err := load(t, file, nil, nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", file, err, want)
		}
	}
}

func TestNothingInAFileIsNothingSet(t *testing.T) {
	for _, file := range []string{"", "# comment\n", "---\n", "null\n", "data:\nlisten: ~\nlog: null\n", "&a data: *b"} {
		c, _, err := load(t, file, nil, nil)
		if strings.Contains(file, "*b") {
			if err == nil {
				t.Error("an unknown anchor is taken")
			}
			continue
		}
		if err != nil || !reflect.DeepEqual(c, Default()) {
			t.Errorf("%q: %+v, %v", file, c, err)
		}
	}
}

func TestErrorsDoNotRepeatSecrets(t *testing.T) {
	for _, flags := range []map[string][]string{
		{"database": {"postgres://u:hunter2@h/db"}},
		{"database": {"a/b=postgres://u:hunter2@h/db"}},
		{"url": {"postgres://u:hunter2@h/db", "hunter2"}},
		{"key": {"hunter2", "hunter2"}},
		{"listen": {"hunter2"}},
	} {
		_, _, err := load(t, "", nil, flags)
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%v: %v", flags, err)
		}
	}
	c, _, err := load(t, "", nil, map[string][]string{"url": {"postgres://u:hunter2@h/db?sslkey=hunter2"}, "key": {"hunter2"},
		"database": {"a=mysql://u:hunter2@h/db", "b=postgresql+asyncpg://u:hunter2@h/db", "c=http://u:hunter2@h", "d=https://h/?key=hunter2"}, "artifacts": {"s3://b?endpoint=http://u:hunter2@h"},
		"metadata": {"dynamodb://t?endpoint=http://u:hunter2@h"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range c.Lines() {
		if strings.Contains(strings.Join(l.Values, " "), "hunter2") {
			t.Errorf("%+v", l)
		}
	}
}

func TestSizes(t *testing.T) {
	for s, want := range map[string]int64{"1": 1, "32MiB": 32 << 20, "10GB": 1e10, "64k": 64 << 10, "2 MiB": 2 << 20, "5B": 5, "1tib": 1 << 40} {
		n, err := parseSize(s)
		if err != nil || n != want {
			t.Errorf("%q: %d, %v", s, n, err)
		}
		if again, err := parseSize(formatSize(n)); err != nil || again != n {
			t.Errorf("%d is written %q", n, formatSize(n))
		}
	}
	for _, s := range []string{"", "0", "-1", "x", "1.5MiB", "MiB", "9223372036854775807KiB", "1 0"} {
		if n, err := parseSize(s); err == nil {
			t.Errorf("%q is %d", s, n)
		}
	}
	if n, err := parseSize("9223372036854775807"); err != nil || n != math.MaxInt64 {
		t.Errorf("%d, %v", n, err)
	}
}

func TestLevels(t *testing.T) {
	for words, want := range map[string]string{
		"debug":                     "debug",
		"chat=debug":                "info,chat=debug,server=warn",
		"warn,chat=debug":           "warn,chat=debug",
		"chat=debug,warn":           "warn,chat=debug",
		"default=error":             "error",
		"server=info, chat = debug": "",
	} {
		l, err := ParseLevels([]string{words})
		if want == "" {
			if err == nil {
				t.Errorf("%q is taken", words)
			}
			continue
		}
		if err != nil || l.String() != want {
			t.Errorf("%q: %s, %v", words, l, err)
		}
		if again, err := ParseLevels([]string{l.String()}); err != nil || again.String() != l.String() {
			t.Errorf("%s is read as %s, %v", l, again, err)
		}
	}
	l, _ := ParseLevels([]string{"error,chat=debug"})
	if l.Of("chat") != slog.LevelDebug || l.Of("server") != slog.LevelError || l.Of("") != slog.LevelError {
		t.Errorf("%+v", l)
	}
}

func FuzzFile(f *testing.F) {
	f.Add([]byte("data: x\nlisten: [unix]\ndatabase: {a: b}\nlog: {chat: debug}\n"))
	f.Add([]byte("&a [*a]"))
	f.Add([]byte("data: &a [*a]"))
	f.Add([]byte("? [x]\n: y"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		c := Default()
		if err := c.decode("varve.yaml", raw); err != nil && !strings.Contains(err.Error(), "varve.yaml") {
			t.Errorf("the error does not name the file: %v", err)
		}
		c.Lines()
	})
}

func TestHowLongLinksWork(t *testing.T) {
	for _, u := range []struct {
		name    string
		environ []string
		flag    []string
		want    time.Duration
		origin  string
		warned  bool
	}{
		{"nothing said", nil, nil, time.Hour, "", false},
		{"a flag", nil, []string{"2d"}, 48 * time.Hour, "--link-life", false},
		{"Chainlit's variable", []string{"STORAGE_EXPIRY_TIME=90"}, nil, 90 * time.Second, "STORAGE_EXPIRY_TIME", false},
		{"both", []string{"STORAGE_EXPIRY_TIME=90", "VARVE_LINK_LIFE=30m"}, nil, 30 * time.Minute, "VARVE_LINK_LIFE", false},
		{"no number", []string{"STORAGE_EXPIRY_TIME=soon"}, nil, time.Hour, "", true},
		{"too long for a bucket", []string{"STORAGE_EXPIRY_TIME=999999"}, nil, time.Hour, "", true},
	} {
		t.Run(u.name, func(t *testing.T) {
			flags := map[string][]string{}
			if u.flag != nil {
				flags["link-life"] = u.flag
			}
			c, warnings, err := load(t, "", u.environ, flags)
			if err != nil || c.LinkLife != u.want || c.origin["link-life"] != u.origin || (len(warnings) > 0) != u.warned {
				t.Errorf("%v from %q, warned %q, %v", c.LinkLife, c.origin["link-life"], warnings, err)
			}
		})
	}
	for _, wrong := range []string{"0s", "7d", "-1h", "d", "soon"} {
		if _, _, err := load(t, "", nil, map[string][]string{"link-life": {wrong}}); errs.KindOf(err) != errs.Invalid {
			t.Errorf("%s: %v", wrong, err)
		}
	}
}
