package sqlcore

import (
	"context"
	"maps"
	"slices"
	"strconv"

	"github.com/varvedb/varve/component"
)

// Lock is the question that makes whoever writes wait for who writes already.
func (c *Components) Lock() Query {
	return Query{SQL: `SELECT next FROM ` + headTable + ` WHERE type_id='' AND identifier=''` + c.d.Lock, Each: func(Row) error { return nil }}
}

// standing is what a batch rests on, as it stands under the lock.
type standing struct {
	heads     map[component.Name]*component.Head
	revisions map[string]int64 // by UUID
	users     []component.Edge // edges to what is to be deleted
	artifacts map[string]bool
	journal   map[string]bool
}

// Commit does a batch. It looks at everything before it writes anything, in
// one round trip, and writes in another. Where there is no index of artifacts
// nobody has any.
func (c *Components) Commit(ctx context.Context, q Querier, b component.Batch, indexed bool) error {
	now := &standing{heads: map[component.Name]*component.Head{}, revisions: map[string]int64{}, artifacts: map[string]bool{}, journal: map[string]bool{}}
	if err := q.Run(ctx, append([]Query{c.Lock()}, c.look(now, b, indexed)...)...); err != nil {
		return err
	}
	if err := now.bears(b); err != nil {
		return err
	}
	if statements := c.statements(now, b, indexed); len(statements) > 0 {
		return q.Run(ctx, statements...)
	}
	return nil
}

// look asks for what a batch rests on.
func (c *Components) look(now *standing, b component.Batch, indexed bool) (queries []Query) {
	var names []component.Name
	for _, r := range b.Create {
		names = append(names, r.Name)
	}
	for typ, identifiers := range byType(names) {
		for list := range slices.Chunk(identifiers, some) {
			queries = append(queries, c.nexts(typ, list, now.heads))
		}
	}
	ask := func(values []string, make func(list []string) Query) {
		slices.Sort(values)
		for list := range slices.Chunk(slices.Compact(values), some) {
			queries = append(queries, make(list))
		}
	}
	ask(named(b), func(list []string) Query {
		a := c.ask()
		where := a.among("c.uuid", list)
		return a.query(func(r Row) error {
			uuid, _ := r.Text(0)
			revision, _ := r.Text(1)
			now.revisions[uuid], _ = strconv.ParseInt(revision, 10, 64) // of an integer column
			return nil
		}, `SELECT c.uuid,c.revision FROM `+componentTable+` c WHERE `+where)
	})
	ask(uuids(b.Delete), func(list []string) Query {
		return c.edges("child", list, func(e component.Edge) { now.users = append(now.users, e) })
	})
	var digests []string
	for _, h := range b.Holdings {
		digests = append(digests, h.Digests...)
	}
	if !indexed {
		digests = nil
	}
	// Locked as by whoever forgets one, and in the same order.
	ask(digests, func(list []string) Query {
		return c.present(artifactTable, "digest", list, now.artifacts, " ORDER BY x.digest"+c.d.Lock)
	})
	ask(slices.Clone(b.Settled), func(list []string) Query { return c.present(journalTable, "id", list, now.journal, "") })
	return queries
}

func (c *Components) present(table, column string, list []string, into map[string]bool, follows string) Query {
	a := c.ask()
	where := a.among("x."+column, list)
	return a.query(func(r Row) error {
		v, _ := r.Text(0)
		into[v] = true
		return nil
	}, `SELECT x.`+column+` FROM `+table+` x WHERE `+where+follows)
}

func uuids(list []component.Expected) (out []string) {
	for _, e := range list {
		out = append(out, e.UUID)
	}
	return out
}

// named lists the records that a batch speaks of.
func named(b component.Batch) []string {
	out := slices.Concat(uuids(b.Hide), uuids(b.Unhide), uuids(b.Delete))
	for _, u := range b.Update {
		out = append(out, u.UUID)
	}
	for _, c := range b.Children {
		out = append(out, c.Parent)
		for _, e := range c.Edges {
			out = append(out, e.Child)
		}
	}
	return out
}

// bears tells whether a batch rests on what is there, going through it as it
// will be done.
func (now *standing) bears(b component.Batch) error {
	for _, id := range b.Settled {
		if !now.journal[id] {
			return component.Unsettled(id)
		}
	}
	if b.Reset {
		clear(now.revisions)
		clear(now.heads)
		now.users = nil
	}
	for _, r := range b.Create {
		h := head(now.heads, r.Name)
		if r.Version != h.Next {
			return component.Taken(r.Ref, h.Next)
		}
		h.Next++
		now.revisions[r.UUID] = 1
	}
	for _, u := range b.Update {
		if err := now.expect(u.UUID, u.Expect); err != nil {
			return err
		}
	}
	for _, list := range [][]component.Expected{b.Hide, b.Unhide, b.Delete} {
		for _, e := range list {
			if err := now.expect(e.UUID, e.Revision); err != nil {
				return err
			}
		}
	}
	for _, e := range b.Delete {
		delete(now.revisions, e.UUID)
	}
	return now.holds(b)
}

// expect takes a record as it was expected to its next revision.
func (now *standing) expect(uuid string, revision int64) error {
	if have, ok := now.revisions[uuid]; !ok || have != revision {
		return component.Changed(uuid)
	}
	now.revisions[uuid]++
	return nil
}

// holds tells whether edges and artifacts lead somewhere.
func (now *standing) holds(b component.Batch) error {
	gone := map[string]bool{} // edges of theirs that are there now
	for _, e := range b.Delete {
		gone[e.UUID] = true
	}
	for _, c := range b.Children {
		gone[c.Parent] = true
		if _, ok := now.revisions[c.Parent]; !ok {
			return component.Changed(c.Parent)
		}
		for _, e := range c.Edges {
			if _, ok := now.revisions[e.Child]; !ok {
				return component.Childless(e)
			}
		}
	}
	for _, e := range now.users {
		if !gone[e.Parent] {
			return component.InUse(e.Child, e.Parent)
		}
	}
	for _, h := range b.Holdings {
		for _, digest := range h.Digests {
			if !now.artifacts[digest] {
				return component.Unkept(digest)
			}
		}
	}
	return nil
}

// statements are those of a batch that bears. heads are by now as they will
// be.
func (c *Components) statements(now *standing, b component.Batch, indexed bool) (out []Query) {
	if !indexed {
		b.Holdings = nil
	}
	do := func(sql string, args ...any) { out = append(out, Query{SQL: c.numbered(sql), Args: args}) }
	for _, id := range b.Settled {
		do(`DELETE FROM `+journalTable+` WHERE id=?`, id)
	}
	if b.Reset {
		do(`DELETE FROM ` + componentTable)
		do(`DELETE FROM ` + edgeTable)
		if indexed {
			do(`DELETE FROM `+holdingTable+` WHERE owner_kind=?`, component.ComponentOwner)
		}
		do(`DELETE FROM ` + headTable + ` WHERE type_id<>''`)
	}
	at := b.At.UnixMicro()
	for _, r := range b.Create {
		do(`INSERT INTO `+componentTable+` (uuid,type_id,identifier,version,hash,break_hash,hidden,status,reason,revision,created_at,updated_at,record) VALUES (?,?,?,?,?,?,?,?,?,1,?,?,?)`,
			r.UUID, r.Type, r.Identifier, int64(r.Version), r.Hash, r.Break, flag(r.Hidden), string(r.Status), r.Reason, at, at, string(r.Body))
	}
	for _, n := range slices.SortedFunc(maps.Keys(now.heads), func(a, b component.Name) int {
		return compareRefs(component.Ref{Name: a}, component.Ref{Name: b})
	}) {
		do(`DELETE FROM `+headTable+` WHERE type_id=? AND identifier=?`, n.Type, n.Identifier)
		do(`INSERT INTO `+headTable+` (type_id,identifier,next) VALUES (?,?,?)`, n.Type, n.Identifier, int64(now.heads[n].Next))
	}
	for _, u := range b.Update {
		do(`UPDATE `+componentTable+` SET hash=?,break_hash=?,status=?,reason=?,record=?,revision=revision+1,updated_at=? WHERE uuid=?`,
			u.Hash, u.Break, string(u.Status), u.Reason, string(u.Body), at, u.UUID)
	}
	for hidden, list := range map[int64][]component.Expected{1: b.Hide, 0: b.Unhide} {
		for _, e := range list {
			do(`UPDATE `+componentTable+` SET hidden=?,revision=revision+1,updated_at=? WHERE uuid=?`, hidden, at, e.UUID)
		}
	}
	for _, e := range b.Delete {
		do(`DELETE FROM `+componentTable+` WHERE uuid=?`, e.UUID)
		do(`DELETE FROM `+edgeTable+` WHERE parent=?`, e.UUID)
		if indexed {
			do(`DELETE FROM `+holdingTable+` WHERE owner_kind=? AND owner=?`, component.ComponentOwner, e.UUID)
		}
	}
	for _, children := range b.Children {
		do(`DELETE FROM `+edgeTable+` WHERE parent=?`, children.Parent)
		for _, e := range children.Edges {
			do(`INSERT INTO `+edgeTable+` (parent,role,child) VALUES (?,?,?)`, e.Parent, e.Role, e.Child)
		}
	}
	for _, h := range b.Holdings {
		do(`DELETE FROM `+holdingTable+` WHERE owner_kind=? AND owner=?`, h.Kind, h.ID)
		digests := slices.Clone(h.Digests)
		slices.Sort(digests)
		for _, digest := range slices.Compact(digests) {
			do(`INSERT INTO `+holdingTable+` (owner_kind,owner,digest) VALUES (?,?,?)`, h.Kind, h.ID, digest)
		}
	}
	return out
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// numbered writes the parameters of a statement as the dialect does.
func (c *Components) numbered(sql string) string {
	var b []byte
	n := 0
	for i := range len(sql) {
		if sql[i] != '?' {
			b = append(b, sql[i])
			continue
		}
		n++
		b = append(b, c.d.Param(n)...)
	}
	return string(b)
}
