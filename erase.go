package varve

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/varvedb/varve/blob"
	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/erasure"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/state"
	"github.com/varvedb/varve/store"
)

// beyond is what no erasure reaches, on any store.
var beyond = []string{
	"exports that are not named here as rewritten or removed, copies of any, and what was imported or copied from here elsewhere",
	"caches of the application and of browsers: Chainlit's folder .files, sessions in its memory, pages that are open",
	"logs of the application and of servers on the way",
	"the person's name in texts and metadata of other people's threads, and verdicts they gave there: feedback has no author",
	"ids of what was removed, without a name: for up to a week they stand in the change log and in notes of deletions, so that what follows changes learns of it and late writes do not bring it back",
}

// Erase removes a person's conversations with [chat.Service.Erase] and what they
// left in files of Varve's own: free pages and the log of the database, the
// search index, the mirror that answers SQL, exports that are still as they were
// written. It returns a signed receipt of what
// was removed, what was cleaned and what cannot be reached. One that is not
// complete says why; repeat it then, also after a crash. With dry it removes
// nothing. Other writers wait while a database file is written anew. Rows of
// versioned tables are not conversations and stay; the receipt names them.
func (db *DB) Erase(ctx context.Context, identifier string, dry bool) (erasure.Receipt, error) {
	seed, err := db.receipts(ctx)
	if err != nil {
		return erasure.Receipt{}, err
	}
	r := erasure.Report{Format: erasure.Format, ID: receiptID(), Subject: erasure.Subject(seed, identifier), Began: now(), DryRun: dry,
		Cleaned: []string{}, Kept: []erasure.Kept{}, Exports: []erasure.Reached{}, Beyond: []string{}, Undone: []string{}}
	undone := func(what string, err error) {
		if err != nil {
			r.Undone = append(r.Undone, what+": "+without(identifier, err))
		}
	}
	kept, err := db.keptOf(ctx, identifier)
	undone("versioned tables could not be asked for rows of the person", err)
	r.Kept = append(r.Kept, kept...)
	if !dry && identifier != "" && chat.Actor(ctx) == "" {
		undone("the note of the erasure", db.remember(r.Subject, r.Began))
	}
	r.Removed, err = db.chat.Erase(ctx, identifier, dry)
	if kind := errs.KindOf(err); kind == errs.Invalid || kind == errs.Forbidden {
		return erasure.Receipt{}, err
	}
	undone("conversations", err)
	if err == nil {
		db.inExports(ctx, &r, identifier, dry, undone)
		if !dry {
			db.clean(ctx, &r, undone)
		}
	}
	r.Beyond = append(r.Beyond, db.bytesBeyond()...)
	r.Beyond = append(r.Beyond, beyond...)
	r.Ended, r.Complete = now(), !dry && len(r.Undone) == 0
	return erasure.Sign(seed, r)
}

// VerifyReceipt returns the report of a receipt that this database signed, and
// whether it is about a person; "" is nobody. See [erasure.Verify].
func (db *DB) VerifyReceipt(ctx context.Context, receipt []byte, identifier string) (r erasure.Report, about bool, err error) {
	seed, err := db.receipts(ctx)
	if err != nil {
		return r, false, err
	}
	r, err = erasure.Verify(receipt, erasure.Key(seed))
	return r, err == nil && identifier != "" && r.Subject == erasure.Subject(seed, identifier), err
}

// Retain deletes threads by rules of age, as [chat.Service.Retain] does.
func (db *DB) Retain(ctx context.Context, rules []chat.Retention, dry bool, each func(chat.Thread)) (chat.Retained, error) {
	return db.chat.Retain(ctx, rules, dry, each)
}

// SweepFiles deletes bytes of elements that nothing names, as
// [chat.Service.Sweep] does.
func (db *DB) SweepFiles(ctx context.Context, dry bool, each func(key string)) (chat.Swept, error) {
	return db.chat.Sweep(ctx, dry, each)
}

// receipts is the private key of receipts.
func (db *DB) receipts(ctx context.Context) ([]byte, error) {
	return secret(ctx, db.store, db.data, "receipts")
}

func now() time.Time { return time.Now().UTC().Truncate(time.Second) }

// without is an error for a receipt, which names nobody.
func without(identifier string, err error) string {
	text := err.Error()
	if identifier != "" {
		text = strings.ReplaceAll(text, identifier, "…")
	}
	return text
}

// clean removes traces from files.
func (db *DB) clean(ctx context.Context, r *erasure.Report, undone func(string, error)) {
	if s, ok := db.store.(store.Scrubber); ok {
		done, beyond, err := s.Scrub(ctx)
		r.Cleaned = append(r.Cleaned, done...)
		r.Beyond = append(r.Beyond, beyond...)
		undone("traces in the database's files", err)
	} else {
		r.Beyond = append(r.Beyond, "what the database keeps of deleted rows, and its backups")
	}
	dropped, err := db.dropMirror(ctx)
	undone("the mirror that answers SQL", err)
	if dropped && err == nil {
		r.Cleaned = append(r.Cleaned, "the mirror that answers SQL was deleted; it is made again without what is gone")
	}
}

// dropMirror deletes the mirror, in memory or in its file.
func (db *DB) dropMirror(ctx context.Context) (dropped bool, err error) {
	there := false
	if db.mirror != "" {
		_, err := os.Stat(db.mirror)
		if there = err == nil; err != nil && !errors.Is(err, fs.ErrNotExist) {
			return false, errs.Wrap(errs.Unavailable, err, "the mirror's file cannot be looked at")
		}
	}
	dropped, err = db.analytics.Forget(ctx, there)
	if err != nil || dropped || !there {
		return dropped, err
	}
	// This program has no engine for it: another one made it.
	for _, name := range []string{db.mirror, db.mirror + ".wal"} {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return false, errs.Wrap(errs.Unavailable, err, "the mirror's file cannot be deleted")
		}
	}
	return true, nil
}

// keptOf counts the rows of versioned tables that a person owns, by identifier or
// by the id of the user.
func (db *DB) keptOf(ctx context.Context, identifier string) (kept []erasure.Kept, err error) {
	tables, err := db.state.Tables(ctx)
	if errs.KindOf(err) == errs.Unsupported {
		return nil, nil
	}
	owners := []string{identifier}
	u, noUser := db.chat.User(ctx, identifier)
	if noUser == nil && u.ID != identifier {
		owners = append(owners, u.ID)
	}
	for _, t := range tables {
		if t.Owner == "" {
			continue
		}
		k := erasure.Kept{Table: t.Name}
		for _, owner := range owners {
			rows, err := db.state.As(owner).Open(ctx, t.Name)
			if err != nil {
				return kept, err
			}
			for _, err := range rows.Each(ctx, state.Query{Deleted: true}) {
				if err != nil {
					return kept, err
				}
				k.Rows++
			}
		}
		if k.Rows > 0 {
			kept = append(kept, k)
		}
	}
	return kept, err
}

// bytesBeyond is what is left of bytes in the place that keeps them.
func (db *DB) bytesBeyond() []string {
	if db.files == nil {
		return nil
	}
	switch scheme, _ := blob.Scheme(db.place); scheme {
	case "", "file", "filesystem":
		return []string{"blocks of the disk that deleted files left, snapshots and backups of the folder of elements"}
	}
	return []string{"older versions, incomplete uploads, replicas and logs that the bucket keeps of deleted objects"}
}
