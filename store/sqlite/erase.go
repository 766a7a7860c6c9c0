package sqlite

import (
	"context"
	"slices"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
)

// Owned implements chat.Erasing.
func (r rooms) Owned(ctx context.Context, identifier string) (ids []string, err error) {
	err = r.read(ctx, func(c *conn, p *schema) error {
		ids, _, err = p.core.Owned(ctx, c, identifier)
		return err
	})
	return ids, err
}

// EraseUser implements chat.Erasing.
func (r rooms) EraseUser(ctx context.Context, identifier string, _ chat.Write) (gone chat.Traces, err error) {
	err = r.write(ctx, func(p *schema) (func(*conn) error, error) {
		return func(c *conn) error {
			gone = chat.Traces{}
			ids, u, err := p.core.Owned(ctx, c, identifier)
			if err != nil {
				return err
			}
			if len(ids) > 0 {
				return chat.StillOwns()
			}
			if u.Identifier != "" {
				gone.Users = 1
				if err := c.exec(`DELETE FROM users WHERE "identifier"=?`, identifier); err != nil {
					return err
				}
			}
			if !p.tracked {
				c.after = append(c.after, func() { r.store.memory.unname(identifier) })
				return nil
			}
			before := c.db.TotalChanges()
			err = c.exec(`UPDATE varve_tombstone SET user_id=NULL,user_identifier=NULL WHERE user_identifier=? OR user_id<>'' AND user_id=?`, identifier, u.ID)
			gone.Tombstones = int(c.db.TotalChanges() - before)
			return err
		}, nil
	})
	return gone, err
}

func (f *forgetful) unname(identifier string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for id, t := range f.tombstones {
		if t.head.UserIdentifier == identifier {
			t.head.UserID, t.head.UserIdentifier = "", ""
			f.tombstones[id] = t
		}
	}
}

// remains is what is left of deleted rows outside of what Scrub can reach.
var remains = []string{
	"copies of the database file: backups, snapshots of the disk, files that another program copied or shipped from its log",
	"places on the disk where the file, its log or temporary files once lay",
}

// foreignRemains is what Scrub leaves to the host.
const foreignRemains = "free pages and the log of a database file that Varve did not make: run VACUUM in it while nothing else uses it"

// Scrub implements store.Scrubber. A file of Varve's own is written anew without
// its free pages, and its log is cut to nothing; other writers wait meanwhile. A
// file that others made is left as it is. The search index goes in any case, and
// is built again by the next search.
func (s *Store) Scrub(ctx context.Context) (done, beyond []string, err error) {
	beyond = slices.Clone(remains)
	if err := s.DropSearchIndex(ctx); err != nil {
		return nil, beyond, err
	}
	done = append(done, "the search index was removed; it is built again without what is gone")
	if own, err := s.made(ctx); err != nil || !own {
		return done, append(beyond, foreignRemains), err
	}
	if err := s.writer.alone(ctx, (*conn).scrub); err != nil {
		return done, beyond, err
	}
	return append(done, "the database file was written anew without its free pages, and its log cut to nothing"), beyond, nil
}

// made tells whether the file is Varve's own.
func (s *Store) made(ctx context.Context) (own bool, err error) {
	err = s.read(ctx, func(c *conn) error {
		file, err := c.meta("file")
		own = file == "own"
		return err
	})
	return own, err
}

// scrub writes the file anew. The new pages go through the log, so the log is
// cut last: a crash in between is made good by repeating it.
func (c *conn) scrub() error {
	c.forget() // a statement that is still open would be in the way
	if err := classify(c.db.Exec("VACUUM")); err != nil {
		return err
	}
	busy := ""
	for range scrubTries {
		var err error
		if busy, _, err = c.text("PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
			return err
		}
		if busy == "0" {
			return nil
		}
	}
	return errs.New(errs.Unavailable, "a long reading keeps the log of the database from being cut; try again when it has ended")
}

// scrubTries is how often the log is asked for, each time as long as the
// time-out for other programs.
const scrubTries = 4
