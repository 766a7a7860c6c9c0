package all

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"

	"github.com/varvedb/varve"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/store/dkdc"
	"github.com/varvedb/varve/store/sqlite"
)

func openSQLite(ctx context.Context, src varve.Source, log *slog.Logger) (store.Store, error) {
	o, err := sqliteOptions(src.Query)
	if err != nil {
		return nil, err
	}
	o.Log = log
	// The folder of a new file is made, but not those above it: a path with
	// more that is missing is more likely a slip.
	if err := os.Mkdir(filepath.Dir(src.Path), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, errs.Wrap(errs.Unavailable, err, "the database's folder cannot be made")
	}
	st, err := sqlite.Open(ctx, src.Path, o)
	if err != nil {
		return nil, err // not st: a nil *sqlite.Store is no nil store.Store
	}
	return dkdc.Open(ctx, src.Path, st, o)
}

// sqliteOptions reads a URL's parameters. Of SQLAlchemy's those are taken that
// mean nothing here.
func sqliteOptions(q url.Values) (o sqlite.Options, err error) {
	for name := range q {
		switch value := q.Get(name); name {
		case "synchronous":
			switch value {
			case "full":
			case "normal":
				o.Relaxed = true
			default:
				return o, errs.Field(errs.Invalid, "url", "synchronous is full or normal")
			}
		case "check_same_thread", "timeout", "uri":
		default:
			return o, errs.Field(errs.Invalid, "url", "there is no parameter %q; known is synchronous", name)
		}
	}
	return o, nil
}
