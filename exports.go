package varve

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/varvedb/varve/erasure"
	"github.com/varvedb/varve/errs"
)

var errNoNotes = errs.New(errs.Unsupported, "this database has no folder for notes of exports")

// NoteExport notes that an export was made, so that an erasure finds it. A note
// of the same id is replaced. errs.Unsupported where there is no data folder.
func (db *DB) NoteExport(ctx context.Context, e erasure.Export) error {
	if db.exports == nil {
		return errNoNotes
	}
	return db.exports.Note(ctx, e)
}

// ForgetExport drops the note of an export, which was not made after all.
func (db *DB) ForgetExport(ctx context.Context, id string) error {
	if db.exports == nil {
		return errNoNotes
	}
	return db.exports.Forget(ctx, id)
}

// inExports takes a person out of the exports that were made.
func (db *DB) inExports(ctx context.Context, r *erasure.Report, identifier string, dry bool, undone func(string, error)) {
	if db.exports == nil {
		return
	}
	done, err := db.exports.Without(ctx, identifier, dry)
	undone("exports", err)
	for _, e := range done {
		if identifier != "" {
			e.Path = strings.ReplaceAll(e.Path, identifier, "…")
		}
		r.Exports = append(r.Exports, e)
	}
}

// erasedFolder holds a file for each person who was erased, named by their code
// in receipts and with the time in it: all that stays of them.
const erasedFolder = "erased"

// remember notes that a person is erased, so that an import does not bring them
// back in silence.
func (db *DB) remember(subject string, at time.Time) error {
	if db.data == "" {
		return nil
	}
	dir := filepath.Join(db.data, erasedFolder)
	err := os.MkdirAll(dir, 0o700)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, subject), []byte(at.Format(time.RFC3339)+"\n"), 0o600)
	}
	if err != nil {
		return errs.Wrap(errs.Unavailable, err, "the erasure cannot be noted in the data folder")
	}
	return nil
}

// Erased tells which of some people were erased, and when for the last time.
func (db *DB) Erased(ctx context.Context, identifiers []string) (map[string]time.Time, error) {
	found := map[string]time.Time{}
	if db.data == "" {
		return found, nil
	}
	if _, err := os.Stat(filepath.Join(db.data, erasedFolder)); errors.Is(err, fs.ErrNotExist) {
		return found, nil
	}
	seed, err := db.receipts(ctx)
	if err != nil {
		return nil, err
	}
	for _, identifier := range identifiers {
		raw, err := os.ReadFile(filepath.Join(db.data, erasedFolder, erasure.Subject(seed, identifier)))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, errs.Wrap(errs.Unavailable, err, "the notes of erasures cannot be read")
		}
		// What a crash cut off is of that erasure all the same.
		at, err := time.Parse(time.RFC3339, strings.TrimSpace(string(raw)))
		if err != nil {
			at = now()
		}
		found[identifier] = at
	}
	return found, nil
}
