package sqlmeta

import (
	"context"
	"errors"
	"time"

	"github.com/varvedb/varve/artifact"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/store/internal/sqlcore"
)

// Artifacts is the index of artifacts. Its tables:
//
//	varve_artifact:      digest, size, media, place, touched
//	varve_artifact_part: whole, part — digests of a folder and of its files
//	varve_artifact_note: place, made, doomed (0 or 1)
//	varve_artifact_ref:  owner_kind, owner, digest — who names it
//
// Who writes that an artifact is named locks its row first, see
// [Unit.LockArtifacts], and so does who forgets it: one of them sees what
// the other did.
type Artifacts struct{ DB DB }

var _ artifact.Index = Artifacts{}

const fields = "digest,size,media,place,touched"

// entries asks for entries and then for the parts of each.
func (x Artifacts) entries(ctx context.Context, u Unit, sql string, args ...any) (list []artifact.Entry, err error) {
	err = u.Run(ctx, sqlcore.Query{SQL: sql, Args: args, Each: func(r sqlcore.Row) error {
		list = append(list, artifact.Entry{Digest: artifact.Digest(text(r, 0)), Size: number(r, 1), MediaType: text(r, 2), Place: text(r, 3), Touched: unstamp(number(r, 4))})
		return nil
	}})
	if err != nil {
		return nil, err
	}
	var asks []sqlcore.Query
	for i := range list {
		if list[i].MediaType != artifact.FolderType {
			continue
		}
		asks = append(asks, sqlcore.Query{SQL: u.sql(`SELECT part FROM %s WHERE whole=%s ORDER BY part`, 1, "varve_artifact_part"), Args: []any{string(list[i].Digest)},
			Each: func(r sqlcore.Row) error {
				list[i].Parts = append(list[i].Parts, artifact.Digest(text(r, 0)))
				return nil
			}})
	}
	if len(asks) == 0 {
		return list, nil
	}
	return list, u.Run(ctx, asks...)
}

// Entry implements artifact.Index.
func (x Artifacts) Entry(ctx context.Context, d artifact.Digest) (e artifact.Entry, err error) {
	err = x.DB.Read(ctx, func(u Unit) error {
		list, err := x.entries(ctx, u, u.sql(`SELECT `+fields+` FROM %s WHERE digest=%s`, 1, "varve_artifact"), string(d))
		if err == nil && len(list) == 0 {
			err = errs.Field(errs.NotFound, "digest", "there is no artifact %s", d)
		}
		if err == nil {
			e = list[0]
		}
		return err
	})
	return e, err
}

// Entries implements artifact.Index.
func (x Artifacts) Entries(ctx context.Context, after artifact.Digest, limit int) (list []artifact.Entry, err error) {
	err = x.DB.Read(ctx, func(u Unit) error {
		list, err = x.entries(ctx, u, u.sql(`SELECT `+fields+` FROM %s WHERE digest>%s ORDER BY digest LIMIT %s`, 2, "varve_artifact"), string(after), int64(limit))
		return err
	})
	return list, err
}

// Begin implements artifact.Index.
func (x Artifacts) Begin(ctx context.Context, n artifact.Note) error {
	return x.DB.Write(ctx, func(u Unit) error { return x.note(ctx, u, n, 0) })
}

func (x Artifacts) note(ctx context.Context, u Unit, n artifact.Note, doomed int64) error {
	return u.Run(ctx, sqlcore.Query{SQL: u.sql(`INSERT INTO %s (place,made,doomed) VALUES (%s,%s,%s)`, 3, "varve_artifact_note"), Args: []any{n.Place, stamp(n.At), doomed}})
}

// Keep implements artifact.Index.
func (x Artifacts) Keep(ctx context.Context, e artifact.Entry) error {
	err := x.DB.Write(ctx, func(u Unit) error { return x.keep(ctx, u, e) })
	if !errors.Is(err, errs.Exists) {
		return err
	}
	// Somebody else's came first, perhaps at the same moment.
	if touched := x.Touch(ctx, e.Digest, e.Touched); touched != nil {
		return touched
	}
	return err
}

func (x Artifacts) keep(ctx context.Context, u Unit, e artifact.Entry) error {
	if err := x.take(ctx, u, e.Place); err != nil {
		return err
	}
	there, err := u.LockArtifacts(ctx, append([]artifact.Digest{e.Digest}, e.Parts...))
	if err != nil {
		return err
	}
	if there[e.Digest] {
		return errs.Field(errs.Exists, "digest", "the artifact %s is kept already", e.Digest)
	}
	add := []sqlcore.Query{{SQL: u.sql(`INSERT INTO %s (`+fields+`) VALUES (%s,%s,%s,%s,%s)`, 5, "varve_artifact"),
		Args: []any{string(e.Digest), e.Size, e.MediaType, e.Place, stamp(e.Touched)}}}
	added := map[artifact.Digest]bool{}
	for _, part := range e.Parts {
		if !there[part] {
			return errs.Field(errs.NotFound, "digest", "there is no artifact %s, which is a part of another", part)
		}
		if added[part] {
			continue
		}
		added[part] = true
		add = append(add, sqlcore.Query{SQL: u.sql(`INSERT INTO %s (whole,part) VALUES (%s,%s)`, 2, "varve_artifact_part"), Args: []any{string(e.Digest), string(part)}})
	}
	return u.Run(ctx, add...)
}

// take ends the note of a place that is not doomed.
func (x Artifacts) take(ctx context.Context, u Unit, place string) error {
	live := false
	err := u.Run(ctx, sqlcore.Query{SQL: u.sql(`SELECT doomed FROM %s WHERE place=%s`, 1, "varve_artifact_note") + u.Lock, Args: []any{place},
		Each: func(r sqlcore.Row) error {
			live = number(r, 0) == 0
			return nil
		}})
	if err == nil && !live {
		return errs.New(errs.Conflict, "the write took so long that it was given up; store the bytes again")
	}
	if err != nil {
		return err
	}
	return u.Run(ctx, sqlcore.Query{SQL: u.sql(`DELETE FROM %s WHERE place=%s`, 1, "varve_artifact_note"), Args: []any{place}})
}

// LockArtifacts sees to it that artifacts stay as they are until the unit
// ends, and tells which of them are there.
func (u Unit) LockArtifacts(ctx context.Context, digests []artifact.Digest) (map[artifact.Digest]bool, error) {
	there := map[artifact.Digest]bool{}
	const some = 500 // parameters in a statement
	for len(digests) > 0 {
		part := digests[:min(some, len(digests))]
		digests = digests[len(part):]
		args := make([]any, len(part))
		for i, digest := range part {
			args[i] = string(digest)
		}
		// In the order of digests, so that two who lock the same do not wait for
		// each other.
		err := u.Run(ctx, sqlcore.Query{SQL: `SELECT digest FROM ` + u.Table("varve_artifact") + ` WHERE digest IN (` + u.params(1, len(part)) + `) ORDER BY digest` + u.Lock,
			Args: args, Each: func(r sqlcore.Row) error {
				there[artifact.Digest(text(r, 0))] = true
				return nil
			}})
		if err != nil {
			return nil, err
		}
	}
	return there, nil
}

// Touch implements artifact.Index.
func (x Artifacts) Touch(ctx context.Context, d artifact.Digest, now time.Time) error {
	return x.DB.Write(ctx, func(u Unit) error {
		there, err := u.LockArtifacts(ctx, []artifact.Digest{d})
		if err == nil && !there[d] {
			err = errs.Field(errs.NotFound, "digest", "there is no artifact %s", d)
		}
		if err != nil {
			return err
		}
		return u.Run(ctx, sqlcore.Query{SQL: u.sql(`UPDATE %s SET touched=%s WHERE digest=%s`, 2, "varve_artifact"), Args: []any{stamp(now), string(d)}})
	})
}

// End implements artifact.Index.
func (x Artifacts) End(ctx context.Context, place string) error {
	return x.DB.Write(ctx, func(u Unit) error {
		return u.Run(ctx, sqlcore.Query{SQL: u.sql(`DELETE FROM %s WHERE place=%s`, 1, "varve_artifact_note"), Args: []any{place}})
	})
}

// Doom implements artifact.Index.
func (x Artifacts) Doom(ctx context.Context, before time.Time, limit int) (notes []artifact.Note, err error) {
	err = x.DB.Write(ctx, func(u Unit) error {
		notes = nil
		err := u.Run(ctx, sqlcore.Query{SQL: u.sql(`SELECT place,made FROM %s WHERE made<%s ORDER BY place LIMIT %s`, 2, "varve_artifact_note") + u.Lock,
			Args: []any{stamp(before), int64(limit)}, Each: func(r sqlcore.Row) error {
				notes = append(notes, artifact.Note{Place: text(r, 0), At: unstamp(number(r, 1))})
				return nil
			}})
		for _, n := range notes {
			if err == nil {
				err = u.Run(ctx, sqlcore.Query{SQL: u.sql(`UPDATE %s SET doomed=1 WHERE place=%s`, 1, "varve_artifact_note"), Args: []any{n.Place}})
			}
		}
		return err
	})
	return notes, err
}

// Unused implements artifact.Index.
func (x Artifacts) Unused(ctx context.Context, before time.Time, after artifact.Digest, limit int) (list []artifact.Entry, err error) {
	err = x.DB.Read(ctx, func(u Unit) error {
		sql := u.sql(`SELECT `+fields+` FROM %[1]s a WHERE a.touched<%[4]s AND a.digest>%[5]s`+
			` AND NOT EXISTS (SELECT 1 FROM %[2]s p WHERE p.part=a.digest) AND NOT EXISTS (SELECT 1 FROM %[3]s r WHERE r.digest=a.digest)`+
			` ORDER BY a.digest LIMIT %[6]s`, 3, "varve_artifact", "varve_artifact_part", "varve_artifact_ref")
		list, err = x.entries(ctx, u, sql, stamp(before), string(after), int64(limit))
		return err
	})
	return list, err
}

// Forget implements artifact.Index.
func (x Artifacts) Forget(ctx context.Context, e artifact.Entry, now time.Time) error {
	return x.DB.Write(ctx, func(u Unit) error {
		there, err := u.LockArtifacts(ctx, []artifact.Digest{e.Digest})
		if err == nil && !there[e.Digest] {
			err = errs.Field(errs.NotFound, "digest", "there is no artifact %s", e.Digest)
		}
		if err != nil {
			return err
		}
		free := false
		err = u.Run(ctx, sqlcore.Query{SQL: u.sql(`SELECT a.touched FROM %[1]s a WHERE a.digest=%[4]s AND a.place=%[5]s AND a.touched=%[6]s`+
			` AND NOT EXISTS (SELECT 1 FROM %[2]s p WHERE p.part=a.digest) AND NOT EXISTS (SELECT 1 FROM %[3]s r WHERE r.digest=a.digest)`,
			3, "varve_artifact", "varve_artifact_part", "varve_artifact_ref"),
			Args: []any{string(e.Digest), e.Place, stamp(e.Touched)}, Each: func(sqlcore.Row) error {
				free = true
				return nil
			}})
		if err == nil && !free {
			err = errs.Field(errs.Conflict, "digest", "the artifact %s is wanted again", e.Digest)
		}
		if err != nil {
			return err
		}
		err = u.Run(ctx,
			sqlcore.Query{SQL: u.sql(`DELETE FROM %s WHERE whole=%s`, 1, "varve_artifact_part"), Args: []any{string(e.Digest)}},
			sqlcore.Query{SQL: u.sql(`DELETE FROM %s WHERE digest=%s`, 1, "varve_artifact"), Args: []any{string(e.Digest)}})
		if err != nil {
			return err
		}
		return x.note(ctx, u, artifact.Note{Place: e.Place, At: now}, 1)
	})
}
