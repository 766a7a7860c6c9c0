package server

import (
	"context"
	"io"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/server/keys"
	"github.com/varvedb/varve/server/wire"
)

// Rows hands out and takes whole threads as they are stored; it is a
// [chat.Rows].
type Rows interface {
	// Features says what the store can do.
	Features() chat.Features
	// HasFiles tells whether there is a place for bytes.
	HasFiles() bool
	chat.Users
	chat.Mover
	chat.Summer
	// Threads is that of chat.Threads.
	Threads(ctx context.Context, q chat.ThreadQuery) ([]chat.Thread, error)
	// OpenBytes reads the bytes under a key.
	OpenBytes(ctx context.Context, key string) (chat.Content, error)
	// WriteBytes stores bytes under a key, for a thread that is loaded next, and
	// tells what they were.
	WriteBytes(ctx context.Context, key string, content io.Reader, mime string) (chat.Sum, error)
}

// mostRows is how many things one call is about.
const mostRows = 1000

type rowsCut struct {
	After string `query:"after" doc:"where the page before ended"`
	First number `query:"first" doc:"how many, at most 1000"`
}

func (in rowsCut) first() (int, error) {
	n, ok, err := in.First.parse("first")
	switch {
	case err != nil:
		return 0, err
	case !ok:
		return mostRows, nil
	case n < 1:
		return 0, errs.Field(errs.Invalid, "first", "must be at least 1")
	}
	return min(n, mostRows), nil
}

type rowsBytes struct {
	Key  string `query:"key" required:"true" doc:"the object key"`
	Type string `query:"type" doc:"the media type"`
}

func (s *Server) rowsRoutes() {
	const root, tag = "/v1/rows", "rows"
	reply(s, op("describe-rows", http.MethodGet, root, tag, "What the database can hold"), s.describeRows)
	reply(s, op("list-row-users", http.MethodGet, root+"/users", tag, "Users after an identifier, in the order of bytes"), s.rowUsers)
	reply(s, op("list-row-ids", http.MethodGet, root+"/ids", tag, "Ids of all threads, in an order that writes do not change"), s.rowIDs)
	reply(s, with(op("list-row-threads", http.MethodPost, root+"/list", tag, "Threads by their last activity"), jsonBody[wire.RowsQuery](s.api)), s.rowThreads)
	reply(s, with(op("read-rows", http.MethodPost, root+"/read", tag, "Whole threads as they are stored"), jsonBody[wire.RowIDs](s.api)), s.readRows)
	done(s, with(op("write-rows", http.MethodPost, root+"/write", tag, "Put whole threads in the place of those with their ids"), jsonBody[wire.Rows](s.api)), s.writeRows)
	reply(s, with(op("sum-rows", http.MethodPost, root+"/sums", tag, "SHA-256 and size of bytes"), jsonBody[wire.RowKeys](s.api)), s.sumRows)

	schema := s.api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[chat.Sum](), true, "")
	put := op("write-row-bytes", http.MethodPut, root+"/bytes", tag, "Store bytes for a thread that is written next")
	put.Metadata = map[string]any{bodyKey: &huma.RequestBody{Required: true,
		Content: map[string]*huma.MediaType{"*/*": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}}}}
	put.Responses, put.DefaultStatus = answers("200", wire.TypeJSON, schema), http.StatusOK
	describe[rowsBytes, struct{}](s, put)
	s.plainHandler("PUT "+root+"/bytes", s.writeRowBytes)
	get := op("read-row-bytes", http.MethodGet, root+"/bytes", tag, "The bytes under a key")
	get.Responses, get.DefaultStatus = bytesAnswers(), http.StatusOK
	describe[rowsBytes, struct{}](s, get)
	s.plainHandler("GET "+root+"/bytes", s.readRowBytes)
}

// rows are the database's, for callers who may do anything to anybody.
func (c *call) rows() (Rows, error) {
	switch {
	case c.db.Rows == nil:
		return nil, errs.New(errs.Unsupported, "this server hands out and takes no whole threads")
	case c.actor != "":
		return nil, errs.New(errs.Forbidden, "this is about everybody's threads, so it is not for calls that act for a user")
	case !c.may(keys.Admin):
		return nil, errs.New(errs.Forbidden, "this is for keys with the scope %q", keys.Admin)
	}
	return c.db.Rows, nil
}

func (s *Server) describeRows(_ context.Context, c *call, _ *struct{}) (out wire.RowsAre, err error) {
	r, err := c.rows()
	if err == nil {
		out = wire.RowsAre{Features: r.Features(), Files: r.HasFiles()}
	}
	return out, err
}

func (s *Server) rowUsers(ctx context.Context, c *call, in *rowsCut) (out wire.RowUsers, err error) {
	r, err := c.rows()
	if err != nil {
		return out, err
	}
	n, err := in.first()
	if err == nil {
		out.Users, err = r.Users(ctx, in.After, n)
	}
	out.Users = listOf(out.Users)
	return out, err
}

func (s *Server) rowIDs(ctx context.Context, c *call, in *rowsCut) (out wire.RowIDs, err error) {
	r, err := c.rows()
	if err != nil {
		return out, err
	}
	n, err := in.first()
	if err == nil {
		out.IDs, out.Next, err = r.ThreadIDs(ctx, in.After, n)
	}
	out.IDs = listOf(out.IDs)
	return out, err
}

func (s *Server) rowThreads(ctx context.Context, c *call, _ *struct{}) (out wire.RowHeads, err error) {
	out.Threads = []wire.RowHead{}
	r, err := c.rows()
	if err != nil {
		return out, err
	}
	var q wire.RowsQuery
	if err := s.body(c, &q); err != nil {
		return out, err
	}
	found, err := r.Threads(ctx, q.Query(mostRows))
	for _, t := range found {
		out.Threads = append(out.Threads, wire.HeadOf(t))
	}
	return out, err
}

func (s *Server) readRows(ctx context.Context, c *call, _ *struct{}) (out wire.Rows, err error) {
	r, err := c.rows()
	var body wire.RowIDs
	if err == nil {
		err = s.body(c, &body)
	}
	if err == nil && len(body.IDs) > mostRows {
		err = errs.Field(errs.Invalid, "ids", "must be at most %d", mostRows)
	}
	if err == nil {
		out.Threads, err = r.Whole(ctx, body.IDs)
	}
	out.Threads = listOf(out.Threads)
	return out, err
}

func (s *Server) writeRows(ctx context.Context, c *call, _ *struct{}) error {
	r, err := c.rows()
	if err != nil {
		return err
	}
	var body wire.Rows
	if err := s.body(c, &body); err != nil {
		return err
	}
	return r.Load(ctx, body.Threads, chat.Write{})
}

func (s *Server) sumRows(ctx context.Context, c *call, _ *struct{}) (out wire.RowSums, err error) {
	r, err := c.rows()
	var body wire.RowKeys
	if err == nil {
		err = s.body(c, &body)
	}
	if err == nil && len(body.Keys) > mostRows {
		err = errs.Field(errs.Invalid, "keys", "must be at most %d", mostRows)
	}
	if err == nil {
		out.Sums, err = r.Sums(ctx, body.Keys)
	}
	if out.Sums == nil {
		out.Sums = map[string]chat.Sum{}
	}
	return out, err
}

// bytesKey is the key of a call about bytes.
func bytesKey(c *call) (Rows, string, string, error) {
	r, err := c.rows()
	if err != nil {
		return nil, "", "", err
	}
	q, err := parameters(c)
	if err != nil {
		return nil, "", "", err
	}
	key := q.Get("key")
	if key == "" || !plain(key) {
		return nil, "", "", errs.Field(errs.Invalid, "key", "must be UTF-8 without NUL, and not empty")
	}
	return r, key, q.Get("type"), nil
}

func (s *Server) writeRowBytes(ctx context.Context, c *call) error {
	r, key, mime, err := bytesKey(c)
	if err != nil {
		return err
	}
	if c.r.ContentLength > s.opt.MaxContent {
		return tooLarge("the content", s.opt.MaxContent)
	}
	content := s.contentOf(c, c.r.Body)
	sum, err := r.WriteBytes(ctx, key, content, mime)
	if content.err != nil {
		err = content.err // what the caller did says more than what it led to
	}
	if err != nil {
		return err
	}
	return writeJSON(c, sum)
}

func (s *Server) readRowBytes(ctx context.Context, c *call) error {
	r, key, _, err := bytesKey(c)
	if err != nil {
		return err
	}
	content, err := r.OpenBytes(ctx, key)
	if err != nil {
		return err
	}
	defer content.Body.Close()
	return s.send(c, content)
}

// listOf is a list that is [] in JSON where there is nothing.
func listOf[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
