package lake

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"slices"
	"time"

	"github.com/varvedb/varve/errs"
)

// SyncOptions tune [Service.Sync].
type SyncOptions struct {
	// Path is the part of the lake that belongs to the folder; "" is all of it.
	Path string
	// Delete removes on one side what was removed on the other; without it such
	// files are left alone.
	Delete bool
	// Prefer says which side wins where both changed; "" leaves both as they
	// are and tells.
	Prefer Side
	// Exclude are patterns, as of path.Match, of names or whole paths in the
	// folder that are not looked at.
	Exclude []string
	// DryRun tells what would be done and does nothing.
	DryRun bool
}

// memoryName is the file in a folder that remembers what both sides were like
// when they were last alike. Without it nothing is lost: files that differ are
// conflicts then.
const memoryName = ".varve-sync.json"

// remembered is one file when both sides were last alike.
type remembered struct {
	Hash string    `json:"hash"`
	Size int64     `json:"size"`
	Time time.Time `json:"time"` // of the folder's file; zero: not to be relied on
}

// Sync brings a folder and a user's files together: what changed on one side
// since they were last alike is taken over by the other. Nothing is lost by
// it: the lake keeps every version, a file that changed on both sides is left
// as it is unless o.Prefer says which one wins, and removals spread only with
// o.Delete. It returns what was done, in the order of names; with an error,
// what was done before it. Links and whatever else is no plain file are left out.
func (s *Service) Sync(ctx context.Context, folder *os.Root, o SyncOptions) ([]Step, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	y := &syncing{lake: s, folder: folder, o: o, memory: map[string]remembered{}}
	if err := y.look(ctx); err != nil {
		return nil, err
	}
	done, err := y.run(ctx)
	if !o.DryRun {
		err = errors.Join(err, y.remember())
	}
	return done, err
}

func (o SyncOptions) check() error {
	if o.Path != "" {
		if err := (Name{Path: &o.Path, Filename: "x"}).check(); err != nil {
			return err
		}
	}
	for _, pattern := range o.Exclude {
		if _, err := path.Match(pattern, ""); err != nil {
			return errs.Field(errs.Invalid, "exclude", "%q is no pattern: %v", pattern, err)
		}
	}
	return o.Prefer.check()
}

// syncing is one run of Sync.
type syncing struct {
	lake   *Service
	folder *os.Root
	o      SyncOptions

	memory  map[string]remembered
	local   map[string]remembered // what the folder has
	remote  map[string]Record     // what the lake has, deletions too
	refused map[string]string     // what the folder has and the lake cannot, and why
}

func (y *syncing) names() []string {
	all := map[string]bool{}
	for name := range y.local {
		all[name] = true
	}
	for name := range y.remote {
		all[name] = true
	}
	for name := range y.refused {
		all[name] = true
	}
	for name := range y.memory {
		all[name] = true
	}
	return slices.Sorted(maps.Keys(all))
}

func (y *syncing) run(ctx context.Context) (done []Step, err error) {
	for _, name := range y.names() {
		if why, ok := y.refused[name]; ok {
			done = append(done, Step{name, Refuse, why})
			continue
		}
		step := Step{Name: name, Action: y.seen(name).decide(y.o)}
		if step.Action == "" {
			y.alike(name)
			continue
		}
		if !y.o.DryRun {
			if err := y.do(ctx, name, step.Action); !step.settle(err) {
				return done, fmt.Errorf("%s: %w", name, err)
			}
		}
		done = append(done, step)
	}
	return done, nil
}

func (y *syncing) seen(name string) seen {
	f, ok := y.remote[name]
	s := seen{base: y.memory[name].Hash, folder: y.local[name].Hash, buried: ok && deleted(f)}
	if ok && !deleted(f) {
		s.lake = f.Value.Hash
	}
	return s
}

// alike remembers a file that both sides have alike now, or both have not.
func (y *syncing) alike(name string) {
	if have, ok := y.local[name]; ok {
		y.memory[name] = have
		return
	}
	delete(y.memory, name)
}

// settle tells whether the others can go on: there was no error, or one that is
// about this file, which is then left as it is.
func (s *Step) settle(err error) bool {
	switch errs.KindOf(err) {
	case "":
		return true
	case errs.Conflict:
		s.Action = Conflict
	case errs.Invalid, errs.TooLarge, errs.Exists:
		s.Action = Refuse
	default:
		return false
	}
	s.Why = err.Error()
	return true
}
