package varve

import (
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/varvedb/varve/errs"
)

// DefaultData is the data folder of those who name none.
const DefaultData = "./varve-data"

// ownName is the SQLite file in a data folder: the folder is its own.
const ownName = "varve.db"

// Source is a parsed URL.
type Source struct {
	Scheme string // "sqlite", "postgres", "memory", …
	Path   string // the file of a database in one, or the folder
	URL    string // the URL of a server's database, for its driver; has secrets
	Query  url.Values
	// Examine: it is opened for a doctor, and what is missing is no error.
	Examine bool
}

// ParseURL reads the address of a database. It takes
//
//	./varve-data                      a data folder: the SQLite file varve.db in it
//	sqlite:F  sqlite://F              the SQLite file F; sqlite:///abs is absolute
//	sqlite+aiosqlite:///F             as SQLAlchemy writes it: F is relative,
//	                                  absolute after a fourth slash
//	postgres://…  postgresql://…      and postgresql+asyncpg://…
//	mysql://…  mariadb://…            and mysql+aiomysql://…
//	duckdb:F  duckdb://F              the DuckDB file F, with the SQLite file F.varve.db
//	                                  for all but the user's own tables
//	csv:DIR  csv://DIR  DIR/*.csv     a folder of CSV files, which are written, and
//	                                  of Parquet files, which are read; with the SQLite
//	                                  file .varve/varve.db in it for all else
//	dynamodb://TABLE?region=R         a table of Chainlit's layer, &endpoint=URL
//	                                  for another than AWS's
//	memory://                         nothing is kept
//
// "" is VARVE_URL, else DefaultData. Errors do not repeat the URL: it may hold
// a password.
func ParseURL(s string) (Source, error) {
	if s == "" {
		s = os.Getenv("VARVE_URL")
	}
	if s == "" {
		s = DefaultData
	}
	if dir, name := filepath.Split(s); name == "*.csv" && !strings.HasPrefix(s, "csv:") {
		return Source{Scheme: "csv", Path: filepath.Clean(dir)}, nil
	}
	scheme, rest, ok := strings.Cut(s, ":")
	if !ok || strings.ContainsAny(scheme, "/\\.") || len(scheme) < 2 {
		return Source{Scheme: "sqlite", Path: filepath.Join(s, ownName)}, nil
	}
	scheme, driver, fromSQLAlchemy := strings.Cut(strings.ToLower(scheme), "+")
	switch scheme {
	case "sqlite", "sqlite3":
		return fileSource("sqlite", rest, fromSQLAlchemy)
	case "duckdb":
		return fileSource(scheme, rest, fromSQLAlchemy)
	case "csv":
		src, err := fileSource(scheme, rest, fromSQLAlchemy)
		src.Path = strings.TrimSuffix(src.Path, "/*.csv")
		return src, err
	case "postgres", "postgresql":
		return serverSource("postgres", rest)
	case "mysql", "mariadb":
		return serverSource("mysql", rest)
	case "dynamodb":
		return tableSource(rest)
	case "memory":
		return Source{Scheme: "memory"}, nil
	}
	if fromSQLAlchemy {
		scheme += "+" + driver
	}
	return Source{}, errs.Field(errs.Unsupported, "url", "there is no database kind %q; known are sqlite, postgres, mysql, duckdb, csv, dynamodb and memory", scheme)
}

func fileSource(scheme, rest string, fromSQLAlchemy bool) (Source, error) {
	path, query, _ := strings.Cut(rest, "?")
	q, err := url.ParseQuery(query)
	if err != nil {
		return Source{}, errs.Field(errs.Invalid, "url", "has parameters that cannot be read")
	}
	path, isURL := strings.CutPrefix(path, "//")
	if isURL && fromSQLAlchemy {
		var ok bool
		if path, ok = strings.CutPrefix(path, "/"); !ok {
			return Source{}, errs.Field(errs.Invalid, "url", "needs three slashes before a file, four before an absolute one")
		}
	}
	if path, err = url.PathUnescape(path); err != nil || path == "" || strings.ContainsRune(path, 0) {
		return Source{}, errs.Field(errs.Invalid, "url", "names no file; write %s:FILE", scheme)
	}
	return Source{Scheme: scheme, Path: path, Query: q}, nil
}

func serverSource(scheme, rest string) (Source, error) {
	u, err := url.Parse(scheme + ":" + rest)
	if err != nil || !strings.HasPrefix(rest, "//") {
		return Source{}, errs.Field(errs.Invalid, "url", "cannot be read; write %s://user:password@host:port/database, with special characters percent-encoded", scheme)
	}
	return Source{Scheme: scheme, URL: u.String(), Query: u.Query()}, nil
}

func tableSource(rest string) (Source, error) {
	u, err := url.Parse("dynamodb:" + rest)
	if err != nil || u.Host == "" || u.User != nil {
		return Source{}, errs.Field(errs.Invalid, "url", "cannot be read; write dynamodb://TABLE?region=eu-central-1, credentials come from AWS's own places")
	}
	return Source{Scheme: "dynamodb", URL: u.String(), Query: u.Query()}, nil
}

// Redacted is the source for people: its password is masked whole.
func (s Source) Redacted() string {
	switch s.Scheme {
	case "sqlite", "duckdb", "csv":
		return s.Scheme + ":" + s.Path
	case "memory":
		return "memory:"
	}
	u, err := url.Parse(s.URL)
	if err != nil {
		return s.Scheme + ":…"
	}
	if _, has := u.User.Password(); has {
		u.User = url.UserPassword(u.User.Username(), "xxxxx")
	}
	q := u.Query()
	for key, values := range q {
		if secretive(key) || slices.ContainsFunc(values, hasUser) {
			q.Set(key, "xxxxx")
		}
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// secretive tells whether a parameter of this name may be a secret.
func secretive(name string) bool {
	name = strings.ToLower(name)
	return slices.ContainsFunc([]string{"pass", "key", "secret", "token", "credential"}, func(part string) bool { return strings.Contains(name, part) })
}

// hasUser tells whether a value is an address with a user in it, and perhaps
// with a password.
func hasUser(value string) bool {
	return strings.Contains(value, "://") && strings.Contains(value, "@")
}

// dataFolder is where what goes with a database lies unless told otherwise.
func (s Source) dataFolder() string {
	switch s.Scheme {
	case "sqlite", "duckdb":
		return filepath.Dir(s.Path)
	case "csv":
		return filepath.Join(s.Path, ".varve")
	case "memory":
		return ""
	}
	return DefaultData
}

// folder is where bytes lie when neither their place nor a data folder was
// named: one that belongs to the database alone and has its name, so that who
// knows its URL finds them. "" is nowhere.
func (s Source) folder() string {
	if (s.Scheme == "sqlite" || s.Scheme == "duckdb") && filepath.Base(s.Path) != ownName {
		return s.Path + ".varve"
	}
	return s.dataFolder()
}

// beside is where a source keeps all but the user's own tables.
func (s Source) beside() Source {
	switch s.Scheme {
	case "duckdb":
		return Source{Scheme: "sqlite", Path: s.Path + ".varve.db"}
	case "csv":
		return Source{Scheme: "sqlite", Path: filepath.Join(s.Path, ".varve", ownName)}
	}
	return s
}

// same tells whether two sources are one database, in whatever spelling.
func (s Source) same(other Source) bool {
	return s.Scheme == other.Scheme && s.Scheme != "memory" && absolute(s.Path) == absolute(other.Path) &&
		s.URL == other.URL && s.Query.Encode() == other.Query.Encode()
}

func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil && path != "" {
		return abs
	}
	return path
}
