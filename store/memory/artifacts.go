package memory

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/varvedb/varve/artifact"
	"github.com/varvedb/varve/errs"
)

// index serves the index of artifacts.
type index struct{ at access }

var _ artifact.Index = index{}

// Artifacts implements store.Tx.
func (s *Store) Artifacts() artifact.Index { return index{s} }

// Artifacts implements store.Tx.
func (t tx) Artifacts() artifact.Index { return index{t} }

// spot is a note of a place.
type spot struct {
	made   time.Time
	doomed bool
}

func noArtifact(d artifact.Digest) error {
	return errs.Field(errs.NotFound, "digest", "there is no artifact %s", d)
}

// Entry implements artifact.Index.
func (x index) Entry(ctx context.Context, d artifact.Digest) (e artifact.Entry, err error) {
	err = x.at.read(ctx, func(data *data) error {
		var ok bool
		if e, ok = data.artifacts[d]; !ok {
			return noArtifact(d)
		}
		return nil
	})
	return e, err
}

// Entries implements artifact.Index.
func (x index) Entries(ctx context.Context, after artifact.Digest, limit int) (list []artifact.Entry, err error) {
	err = x.at.read(ctx, func(data *data) error {
		list = entries(data, after, limit, func(artifact.Entry) bool { return true })
		return nil
	})
	return list, err
}

func entries(data *data, after artifact.Digest, limit int, ok func(artifact.Entry) bool) (list []artifact.Entry) {
	for _, d := range slices.Sorted(maps.Keys(data.artifacts)) {
		if e := data.artifacts[d]; d > after && len(list) < limit && ok(e) {
			list = append(list, e)
		}
	}
	return list
}

// Begin implements artifact.Index.
func (x index) Begin(ctx context.Context, n artifact.Note) error {
	return x.at.write(ctx, func(data *data) error {
		if _, there := data.places[n.Place]; there {
			return errs.Field(errs.Exists, "place", "the place %q is noted already", n.Place)
		}
		put(data, data.places, n.Place, spot{made: n.At})
		return nil
	})
}

// Keep implements artifact.Index.
func (x index) Keep(ctx context.Context, e artifact.Entry) error {
	exists := false
	err := x.at.write(ctx, func(data *data) error {
		if old, there := data.artifacts[e.Digest]; there {
			old.Touched, exists = e.Touched, true
			put(data, data.artifacts, e.Digest, old)
			return nil
		}
		if p, noted := data.places[e.Place]; !noted || p.doomed {
			return errs.New(errs.Conflict, "the write took so long that it was given up; store the bytes again")
		}
		for _, part := range e.Parts {
			if _, there := data.artifacts[part]; !there {
				return noArtifact(part)
			}
		}
		e.Parts = slices.Compact(slices.Sorted(slices.Values(e.Parts)))
		e.Touched = e.Touched.Truncate(time.Microsecond).UTC()
		put(data, data.artifacts, e.Digest, e)
		remove(data, data.places, e.Place)
		return nil
	})
	if err == nil && exists {
		err = errs.Field(errs.Exists, "digest", "the artifact %s is kept already", e.Digest)
	}
	return err
}

// Touch implements artifact.Index.
func (x index) Touch(ctx context.Context, d artifact.Digest, now time.Time) error {
	return x.at.write(ctx, func(data *data) error {
		e, there := data.artifacts[d]
		if !there {
			return noArtifact(d)
		}
		e.Touched = now.Truncate(time.Microsecond).UTC()
		put(data, data.artifacts, d, e)
		return nil
	})
}

// End implements artifact.Index.
func (x index) End(ctx context.Context, at string) error {
	return x.at.write(ctx, func(data *data) error {
		remove(data, data.places, at)
		return nil
	})
}

// Doom implements artifact.Index.
func (x index) Doom(ctx context.Context, before time.Time, limit int) (notes []artifact.Note, err error) {
	err = x.at.write(ctx, func(data *data) error {
		for _, at := range slices.Sorted(maps.Keys(data.places)) {
			if p := data.places[at]; p.made.Before(before) && len(notes) < limit {
				notes = append(notes, artifact.Note{Place: at, At: p.made})
				p.doomed = true
				put(data, data.places, at, p)
			}
		}
		return nil
	})
	return notes, err
}

// named tells whether a record names an artifact or another needs it.
func (d *data) named(digest artifact.Digest) bool {
	if len(d.owners(string(digest))) > 0 {
		return true
	}
	for _, e := range d.artifacts {
		if _, part := slices.BinarySearchFunc(e.Parts, digest, cmp.Compare); part {
			return true
		}
	}
	return false
}

// Unused implements artifact.Index.
func (x index) Unused(ctx context.Context, before time.Time, after artifact.Digest, limit int) (list []artifact.Entry, err error) {
	err = x.at.read(ctx, func(data *data) error {
		list = entries(data, after, limit, func(e artifact.Entry) bool { return e.Touched.Before(before) && !data.named(e.Digest) })
		return nil
	})
	return list, err
}

// Forget implements artifact.Index.
func (x index) Forget(ctx context.Context, e artifact.Entry, now time.Time) error {
	return x.at.write(ctx, func(data *data) error {
		have, there := data.artifacts[e.Digest]
		if !there {
			return noArtifact(e.Digest)
		}
		if have.Place != e.Place || !have.Touched.Equal(e.Touched) || data.named(e.Digest) {
			return errs.Field(errs.Conflict, "digest", "the artifact %s is wanted again", e.Digest)
		}
		remove(data, data.artifacts, e.Digest)
		put(data, data.places, e.Place, spot{made: now, doomed: true})
		return nil
	})
}
