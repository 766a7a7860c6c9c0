package client

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"slices"
	"strconv"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/server/wire"
)

// Rows are a server's conversations as they are stored, for who moves whole
// threads: a chat.Mover. They need the scope admin and act for nobody.
type Rows struct {
	c   *Client
	are wire.RowsAre
}

var (
	_ chat.Mover  = (*Rows)(nil)
	_ chat.Users  = (*Rows)(nil)
	_ chat.Files  = (*RowFiles)(nil)
	_ chat.Summer = (*RowFiles)(nil)
)

// rowsPath begins the calls about rows.
const rowsPath = "/v1/rows"

// mostRows is how many things one call is about.
const mostRows = 1000

// Rows asks the server what its rows can hold, and returns them.
func (c *Client) Rows(ctx context.Context) (*Rows, error) {
	r := &Rows{c: c}
	return r, c.do(ctx, request{method: http.MethodGet, path: rowsPath}, &r.are)
}

// Features is that of the server's chat.Store.
func (r *Rows) Features() chat.Features { return r.are.Features }

// Files are the bytes of elements by their keys; nil where the server has no
// place for them.
func (r *Rows) Files() *RowFiles {
	if !r.are.Files {
		return nil
	}
	return &RowFiles{r.c}
}

// User implements chat.Users.
func (r *Rows) User(ctx context.Context, identifier string) (chat.User, error) {
	return r.c.Chat().User(ctx, identifier)
}

// Users implements chat.Users.
func (r *Rows) Users(ctx context.Context, after string, limit int) ([]chat.User, error) {
	var found []chat.User
	for len(found) < limit {
		var out wire.RowUsers
		n := min(limit-len(found), mostRows)
		q := params("after", after, "first", strconv.Itoa(n))
		if err := r.c.do(ctx, request{method: http.MethodGet, path: rowsPath + "/users", query: q}, &out); err != nil {
			return nil, err
		}
		found = append(found, out.Users...)
		if len(out.Users) < n {
			break
		}
		after = found[len(found)-1].Identifier
	}
	return found, nil
}

// PutUser implements chat.Users.
func (r *Rows) PutUser(ctx context.Context, u chat.User, _ chat.Write) (chat.User, error) {
	return r.c.Chat().PutUser(ctx, u)
}

// Threads lists threads by their last activity, each with no more than its id,
// its owner's identifier and that.
func (r *Rows) Threads(ctx context.Context, q chat.ThreadQuery) ([]chat.Thread, error) {
	q.Limit = min(q.Limit, mostRows)
	out, err := post[wire.RowHeads](ctx, r.c, rowsPath+"/list", wire.QueryOf(q))
	found := make([]chat.Thread, len(out.Threads))
	for i, h := range out.Threads {
		found[i] = chat.Thread{ID: h.ID, UserIdentifier: h.UserIdentifier, LastActivity: h.LastActivity}
	}
	return found, err
}

// ThreadIDs implements chat.Mover.
func (r *Rows) ThreadIDs(ctx context.Context, after string, limit int) ([]string, string, error) {
	var out wire.RowIDs
	q := params("after", after, "first", strconv.Itoa(min(limit, mostRows)))
	err := r.c.do(ctx, request{method: http.MethodGet, path: rowsPath + "/ids", query: q}, &out)
	return out.IDs, out.Next, err
}

// Whole implements chat.Mover.
func (r *Rows) Whole(ctx context.Context, ids []string) (found []chat.Thread, err error) {
	for part := range slices.Chunk(ids, mostRows) {
		out, err := post[wire.Rows](ctx, r.c, rowsPath+"/read", wire.RowIDs{IDs: part})
		if err != nil {
			return nil, err
		}
		found = append(found, out.Threads...)
	}
	return found, nil
}

// Load implements chat.Mover. Threads that together are larger than a body may
// be are errs.TooLarge.
func (r *Rows) Load(ctx context.Context, threads []chat.Thread, _ chat.Write) error {
	return r.c.do(ctx, request{method: http.MethodPost, path: rowsPath + "/write", body: wire.Rows{Threads: threads}}, nil)
}

// RowFiles are the bytes of elements by their keys.
type RowFiles struct{ c *Client }

func (f *RowFiles) path(method, key, mime string) request {
	return request{method: method, path: rowsPath + "/bytes", query: params("key", key, "type", mime)}
}

// Open implements chat.Files. Closing Body early gives the connection up.
func (f *RowFiles) Open(ctx context.Context, key string) (chat.Content, error) {
	response, err := f.c.send(ctx, f.path(http.MethodGet, key, ""))
	if err != nil {
		return chat.Content{}, err
	}
	return contentOf(response), nil
}

// Write implements chat.Files. What arrived is held against what left: other
// bytes are errs.Unavailable, and nothing names them yet. Where reading them
// fails, that is the error, and nothing is stored.
func (f *RowFiles) Write(ctx context.Context, key string, content io.Reader, mime string) (int64, error) {
	h := sha256.New()
	body := &counted{r: io.TeeReader(content, h)}
	r := f.path(http.MethodPut, key, mime)
	r.stream, r.kind = body, "application/octet-stream"
	var there chat.Sum
	err := f.c.do(ctx, r, &there)
	if body.err != nil {
		return 0, body.err
	}
	if err != nil {
		return 0, err
	}
	if there.SHA256 != hex.EncodeToString(h.Sum(nil)) {
		return 0, errs.New(errs.Unavailable, "the server received other bytes than were sent")
	}
	return there.Size, nil
}

// Sums implements chat.Summer.
func (f *RowFiles) Sums(ctx context.Context, keys []string) (map[string]chat.Sum, error) {
	sums := make(map[string]chat.Sum, len(keys))
	for part := range slices.Chunk(keys, mostRows) {
		out, err := post[wire.RowSums](ctx, f.c, rowsPath+"/sums", wire.RowKeys{Keys: part})
		if err != nil {
			return nil, err
		}
		for key, sum := range out.Sums {
			sums[key] = sum
		}
	}
	return sums, nil
}

var errElementFirst = errs.New(errs.Unsupported, "bytes at a server go and are addressed with their element")

// Delete implements chat.Files.
func (f *RowFiles) Delete(context.Context, string) error { return errElementFirst }

// SignedURL implements chat.Files.
func (f *RowFiles) SignedURL(context.Context, string, string, string) (string, error) {
	return "", errElementFirst
}
