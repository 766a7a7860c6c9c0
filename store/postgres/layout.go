package postgres

import (
	"log/slog"
	"sync"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/store/internal/sqlcore"
)

// origin says who made Chainlit's tables, and what Varve has added.
type origin string

const (
	nobody  origin = ""        // there are none
	own     origin = "varve"   // Varve did
	foreign origin = "foreign" // somebody else did, and Varve has added nothing
	mended  origin = "mended"  // somebody else did, and doctor has added what was missing
)

// layout is what is known of the database: found once, and again after it was
// changed. It does not change itself.
type layout struct {
	schema        string // where varve_ tables are
	chat          string // where Chainlit's tables are
	server        int    // server_version_num
	origin        origin
	version       int             // the highest of the migrations that ran
	ran           map[int]bool    // which those are
	trgm          bool            // outputs have a trigram index
	trgmAvailable bool            // or could
	bound         bool            // the foreign key of steps is there and holds
	indexes       map[string]bool // the names of those on Chainlit's tables
	added         map[string]bool // what of Chainlit's the doctor added: "table.column"
	base          int64           // what varve_base says
	ahead         int64           // how far the newest note is ahead of it, if it is
	found         sqlcore.Schema
	official      bool           // conversations are in the official tables
	stored        sqlcore.Schema // those; found is how they look through the views
	types         []string       // the labels of their steps' types, nil for any
	seen          map[string]string
	broken        error // why conversations cannot be kept here

	memory  *forgetful // for what there is no table for
	log     *slog.Logger
	dropped *sync.Once // says once that keys of elements are left out

	core     *sqlcore.Core
	features chat.Features
	sql      writes
}

// has tells whether a migration ran.
func (l *layout) has(version int) bool { return l.ran[version] }

// founded tells whether Varve's own tables are there, for the rooms beside
// conversations; those that somebody else made may have none of it.
func (l *layout) founded() bool { return l.has(foundation) }

// silent tells whether there are no conversations, and nothing in their place.
func (l *layout) silent() bool { return l.origin == nobody && l.broken == nil }

// mended tells whether Varve's own tables are there and follow what anybody
// does to conversations.
func (l *layout) mended() bool { return l.origin == own || l.origin == mended }

// table is one of Chainlit's tables as it is read in SQL, where it needs an
// alias; target is its name, and varve that of one of Varve's.
func (l *layout) table(name string) string {
	if view, ok := l.seen[name]; ok {
		return view
	}
	return l.target(name)
}

func (l *layout) target(name string) string {
	if l.official {
		name = official[name]
	}
	return sqlcore.Quote(l.chat) + "." + sqlcore.Quote(name)
}

func (l *layout) varve(name string) string {
	return sqlcore.Quote(l.schema) + "." + sqlcore.Quote(name)
}

// settle derives what follows from what was found.
func (l *layout) settle() {
	if l.origin == nobody || l.broken != nil {
		return
	}
	if l.official {
		if l.broken = checkOfficial(l.stored); l.broken != nil {
			return
		}
		l.found = dressed(l.stored)
		l.seen = l.views()
	}
	l.core, l.broken = sqlcore.New(l.found, l.dialect())
	if l.broken != nil {
		return
	}
	l.features = chat.Features{
		AnyID:        l.anyID(),
		Tombstones:   l.mended(),
		Transactions: true,
		ChangeLog:    l.mended(),
		FastList:     l.core.Activity() && l.found.Threads.Indexed("userId", sqlcore.ActivityColumn),
		FastSearch:   l.trgm,
		UnknownKeys:  l.core.ElementMap.Extra,
		Orphans:      l.mended(),
		ThreadFiles:  l.official,
	}
	l.sql = l.writes()
}

func (l *layout) anyID() bool {
	id, _ := l.found.Threads.Column("id")
	return id.Kind != sqlcore.UUID
}

// holds answers errs.Invalid for an id that a column cannot hold.
func (l *layout) holds(t sqlcore.Table, column, id string) error {
	if id == "" || l.core.Holds(t, column, id) {
		return nil
	}
	return errs.Field(errs.Invalid, column, "is not a UUID, which is all that this database takes as an id")
}

// isUUID takes the one spelling that comes back as it went in.
func isUUID(id string) bool {
	if len(id) != 36 {
		return false
	}
	for i := range len(id) {
		switch c := id[i]; {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if c != '-' {
				return false
			}
		case c >= '0' && c <= '9', c >= 'a' && c <= 'f', c >= 'A' && c <= 'F':
		default:
			return false
		}
	}
	return true
}
