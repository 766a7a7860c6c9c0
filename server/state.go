package server

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/lake"
	"github.com/varvedb/varve/server/keys"
	"github.com/varvedb/varve/server/wire"
	"github.com/varvedb/varve/state"
)

type tablePath struct {
	Table string `path:"table" doc:"the name of a versioned table"`
}

type rowRead struct {
	Table string `path:"table"`
	Key   string `query:"key" doc:"the key of a row; a JSON list of the values where it has several columns"`
	At    number `query:"at" doc:"the state at a position; now when absent"`
}

type historyRead struct {
	Table  string `path:"table"`
	Key    string `query:"key" doc:"the key of a row"`
	Before number `query:"before" doc:"versions with a number below; from the newest when absent"`
	First  number `query:"first" doc:"how many; 1 to 1000, 100 when absent"`
}

type logRead struct {
	Table string `path:"table"`
	After number `query:"after" doc:"versions with a position over it; from the oldest when absent"`
	First number `query:"first" doc:"how many; 1 to 1000, 100 when absent"`
}

type positionRead struct {
	Table string `path:"table"`
	Time  string `query:"time" doc:"RFC 3339"`
}

type tablesAnswer struct {
	Data []state.Table `json:"data"`
}

// compaction is the body of a compaction.
type compaction struct {
	Horizon int64 `json:"horizon" doc:"the oldest position whose state is still told"`
	Keep    int64 `json:"keep,omitempty" minimum:"0" doc:"how many newest versions of each row stay in any case"`
}

type clearing struct {
	Table string `query:"table" doc:"the table; all of them when absent"`
}

// defaultVersions is how many versions come where nobody says how many.
const defaultVersions = 100

func (s *Server) stateRoutes() {
	const all, one, tag = "/v1/state", "/v1/state/{table}", "state"
	reply(s, op("list-tables", http.MethodGet, all, tag, "The versioned tables, by name"), s.listTables)
	done(s, op("clear-tables", http.MethodDelete, all, tag, "Forget all rows of a table, or of all tables, with their history"), s.clearTables)
	reply(s, with(op("declare-table", http.MethodPut, one, tag, "Make a table, or bring it up to a newer declaration"), jsonBody[state.Schema](s.api)), s.declareTable)
	reply(s, op("get-table", http.MethodGet, one, tag, "A table as it is declared"), s.getTable)
	reply(s, op("get-table-head", http.MethodGet, one+"/head", tag, "How far a table has come"), s.getHead)
	reply(s, op("get-table-position", http.MethodGet, one+"/position", tag, "The position of the last version at or before a time"), s.getPosition)
	reply(s, with(op("write-versions", http.MethodPost, one+"/versions", tag, "Make versions of rows: all, in order, or none"), jsonBody[wire.Changes](s.api)), s.writeVersions)
	reply(s, op("read-versions", http.MethodGet, one+"/versions", tag, "Versions of all rows in the order of their positions"), s.readLog)
	reply(s, with(op("scan-rows", http.MethodPost, one+"/scan", tag, "Rows: of each the newest version, or its newest at a position"), jsonBody[wire.Scan](s.api)), s.scanRows)
	reply(s, op("get-row", http.MethodGet, one+"/row", tag, "The newest version of a row, a deletion too, or its newest at a position"), s.getRow)
	reply(s, op("get-row-history", http.MethodGet, one+"/history", tag, "Versions of a row, the newest first"), s.getHistory)
	reply(s, with(op("compact-table", http.MethodPost, one+"/compact", tag, "Forget versions that no state since a position shows"), jsonBody[compaction](s.api)), s.compactTable)
}

// tables is the room of versioned tables as the caller may use it.
func (c *call) tables() (state.Store, error) {
	if c.db.State == nil {
		return nil, errs.New(errs.Unsupported, "this database keeps no versioned tables")
	}
	if c.actor != "" {
		return c.db.State.As(c.actor).By(c.actor).Checked(), nil
	}
	return c.db.State.Checked(), nil
}

// table finds a table by the name in a path.
func (c *call) table(ctx context.Context, name string) (state.Store, *state.Table, error) {
	tables, err := c.tables()
	if err != nil {
		return nil, nil, err
	}
	if holdsFiles(name) && (c.actor != "" || !c.may(keys.Admin)) {
		return nil, nil, errFiles
	}
	rows, err := c.db.State.Open(ctx, name)
	if err != nil {
		return nil, nil, err
	}
	t := rows.Table()
	if t.Owner != "" && c.actor == "" && !c.may(keys.Admin) {
		return nil, nil, errs.New(errs.Forbidden, "%s", owned(t.Name))
	}
	return tables, &t, nil
}

// owned says why a key without the scope admin gets nothing of a table while it
// acts for nobody.
func owned(table string) string {
	return fmt.Sprintf("the rows of %q are their users': say for whom with %s, or use a key with the scope %q", table, wire.HeaderUser, keys.Admin)
}

// holdsFiles tells whether a table has the bytes of everybody's files, under no
// owner.
func holdsFiles(table string) bool {
	return strings.EqualFold(table, lake.ContentTable) || strings.EqualFold(table, lake.FolderTable)
}

var errFiles = errs.New(errs.Forbidden, "the bytes of files are everybody's in one table: read them as files, or with a key with the scope %q that acts for no user", keys.Admin)

func (s *Server) listTables(ctx context.Context, c *call, _ *struct{}) (tablesAnswer, error) {
	tables, err := c.tables()
	if err != nil {
		return tablesAnswer{}, err
	}
	list, err := tables.Tables(ctx)
	if list == nil {
		list = []state.Table{}
	}
	return tablesAnswer{list}, err
}

func (s *Server) clearTables(ctx context.Context, c *call, in *clearing) error {
	if !c.may(keys.Admin) {
		return errs.New(errs.Forbidden, "tables are cleared by keys with the scope %q", keys.Admin)
	}
	tables, err := c.tables()
	if err != nil {
		return err
	}
	var names []string
	if in.Table != "" {
		names = c.r.URL.Query()["table"]
	}
	return tables.Clear(ctx, names)
}

func (s *Server) declareTable(ctx context.Context, c *call, in *tablePath) (state.Table, error) {
	var schema state.Schema
	if err := s.body(c, &schema); err != nil {
		return state.Table{}, err
	}
	if schema.Name == "" {
		schema.Name = in.Table
	}
	if schema.Name != in.Table {
		return state.Table{}, errs.Field(errs.Invalid, "name", "is not the table of the path")
	}
	tables, err := c.tables()
	if err != nil {
		return state.Table{}, err
	}
	return tables.Declare(ctx, schema)
}

func (s *Server) getTable(ctx context.Context, c *call, in *tablePath) (state.Table, error) {
	_, t, err := c.table(ctx, in.Table)
	if err != nil {
		return state.Table{}, err
	}
	return *t, nil
}

func (s *Server) getHead(ctx context.Context, c *call, in *tablePath) (state.Head, error) {
	tables, t, err := c.table(ctx, in.Table)
	if err != nil {
		return state.Head{}, err
	}
	return tables.Head(ctx, t)
}

func (s *Server) getPosition(ctx context.Context, c *call, in *positionRead) (wire.Position, error) {
	at, err := time.Parse(time.RFC3339Nano, in.Time)
	if err != nil {
		return wire.Position{}, errs.Field(errs.Invalid, "time", "is no time; write it as 2006-01-02T15:04:05.999999Z")
	}
	tables, t, err := c.table(ctx, in.Table)
	if err != nil {
		return wire.Position{}, err
	}
	seq, err := tables.Position(ctx, t, at)
	return wire.Position{Seq: seq}, err
}

func (s *Server) writeVersions(ctx context.Context, c *call, in *tablePath) (wire.WrittenVersions, error) {
	var body wire.Changes
	if err := s.body(c, &body); err != nil {
		return wire.WrittenVersions{}, err
	}
	tables, t, err := c.table(ctx, in.Table)
	if err != nil {
		return wire.WrittenVersions{}, err
	}
	ws := make([]state.Write, len(body.Writes))
	for i, w := range body.Writes {
		values, err := t.DecodeRow(w.Values)
		if err != nil {
			return wire.WrittenVersions{}, err
		}
		ws[i] = state.Write{Op: state.Op(w.Op), Key: w.Key, Values: values, Whole: w.Whole,
			Expect: w.Expect, Owner: w.Owner, Actor: w.Actor, Source: w.Source}
	}
	versions, err := tables.Write(ctx, in.Table, ws)
	if len(versions) > 0 && !t.Describes(versions[len(versions)-1]) { // declared anew meanwhile
		if _, t, err = c.table(ctx, in.Table); err != nil {
			return wire.WrittenVersions{}, err
		}
	}
	out, err := encodeVersions(t, versions, err)
	return wire.WrittenVersions{Columns: t.Columns, Data: out.Data}, err
}

func encodeVersions(t *state.Table, versions []state.Version, err error) (wire.Versions, error) {
	if err != nil {
		return wire.Versions{}, err
	}
	out := wire.Versions{Data: make([]json.RawMessage, len(versions))}
	for i, v := range versions {
		if out.Data[i], err = t.EncodeVersion(v); err != nil {
			return wire.Versions{}, err
		}
	}
	return out, nil
}

func (s *Server) readLog(ctx context.Context, c *call, in *logRead) (wire.Versions, error) {
	after, limit, err := window(in.After, "after", in.First)
	if err != nil {
		return wire.Versions{}, err
	}
	tables, t, err := c.table(ctx, in.Table)
	if err != nil {
		return wire.Versions{}, err
	}
	versions, err := tables.Log(ctx, t, after, limit)
	return encodeVersions(t, versions, err)
}

// window reads the bounds of a listing of versions.
func window(bound number, field string, first number) (int64, int, error) {
	from, _, err := bound.parse(field)
	if err != nil {
		return 0, 0, err
	}
	limit, given, err := first.parse("first")
	if !given {
		limit = defaultVersions
	}
	return int64(from), limit, err
}

func (s *Server) scanRows(ctx context.Context, c *call, in *tablePath) (wire.Versions, error) {
	body := scanBody{Scan: wire.Scan{First: defaultVersions}}
	if err := s.body(c, &body); err != nil {
		return wire.Versions{}, err
	}
	tables, t, err := c.table(ctx, in.Table)
	if err != nil {
		return wire.Versions{}, err
	}
	versions, err := tables.Scan(ctx, t, body.scan())
	return encodeVersions(t, versions, err)
}

func (s *Server) getRow(ctx context.Context, c *call, in *rowRead) (json.RawMessage, error) {
	at, _, err := in.At.parse("at")
	if err != nil {
		return nil, err
	}
	tables, t, err := c.table(ctx, in.Table)
	if err != nil {
		return nil, err
	}
	v, err := tables.Get(ctx, t, in.Key, int64(at))
	if err != nil {
		return nil, err
	}
	return t.EncodeVersion(v)
}

func (s *Server) getHistory(ctx context.Context, c *call, in *historyRead) (wire.Versions, error) {
	before, limit, err := window(in.Before, "before", in.First)
	if err != nil {
		return wire.Versions{}, err
	}
	tables, t, err := c.table(ctx, in.Table)
	if err != nil {
		return wire.Versions{}, err
	}
	versions, err := tables.History(ctx, t, in.Key, before, limit)
	return encodeVersions(t, versions, err)
}

func (s *Server) compactTable(ctx context.Context, c *call, in *tablePath) (wire.Compacted, error) {
	if !c.may(keys.Admin) {
		return wire.Compacted{}, errs.New(errs.Forbidden, "tables are compacted by keys with the scope %q", keys.Admin)
	}
	var body compaction
	if err := s.body(c, &body); err != nil {
		return wire.Compacted{}, err
	}
	tables, t, err := c.table(ctx, in.Table)
	if err != nil {
		return wire.Compacted{}, err
	}
	removed, err := tables.Compact(ctx, t, body.Horizon, body.Keep)
	return wire.Compacted{Removed: removed}, err
}
