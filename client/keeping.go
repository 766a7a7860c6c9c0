package client

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/erasure"
)

// Erase removes a person's conversations at the server and returns the signed
// receipt; one that is not complete says why, and the call is to be repeated.
// With dry it removes nothing. It needs the scope admin and acts for nobody.
func (c *Client) Erase(ctx context.Context, identifier string, dry bool) (erasure.Receipt, error) {
	return post[erasure.Receipt](ctx, c, "/v1/erasures", struct {
		Identifier string `json:"identifier"`
		DryRun     bool   `json:"dryRun,omitempty"`
	}{identifier, dry})
}

// VerifyReceipt returns what a receipt says that the server's database signed,
// and whether it is about a person, "" for nobody. errs.Forbidden when it is of
// another or was changed.
func (c *Client) VerifyReceipt(ctx context.Context, receipt []byte, identifier string) (erasure.Report, bool, error) {
	out, err := post[struct {
		Report erasure.Report
		About  bool
	}](ctx, c, "/v1/erasures/verify", struct {
		Receipt    json.RawMessage `json:"receipt"`
		Identifier string          `json:"identifier,omitempty"`
	}{receipt, identifier})
	return out.Report, out.About, err
}

// Retain deletes the threads that are older than rules allow, as
// chat.Service.Retain does. each, unless nil, is told of the ids of the first
// 10,000, when all is done.
func (c *Client) Retain(ctx context.Context, rules []chat.Retention, dry bool, each func(chat.Thread)) (chat.Retained, error) {
	texts := make([]string, len(rules))
	for i, r := range rules {
		texts[i] = r.String()
	}
	out, err := post[struct {
		chat.Retained
		IDs []string
	}](ctx, c, "/v1/retention", struct {
		Rules  []string `json:"rules"`
		DryRun bool     `json:"dryRun,omitempty"`
	}{texts, dry})
	for _, id := range out.IDs {
		if each != nil {
			each(chat.Thread{ID: id})
		}
	}
	return out.Retained, err
}

// SweepFiles deletes bytes of elements that nothing names, as
// chat.Service.Sweep does. each, unless nil, is told of the first 10,000 keys,
// when all is done.
func (c *Client) SweepFiles(ctx context.Context, dry bool, each func(key string)) (chat.Swept, error) {
	out, err := post[struct {
		chat.Swept
		Named []string
	}](ctx, c, "/v1/sweeps", struct {
		DryRun bool `json:"dryRun,omitempty"`
	}{dry})
	for _, key := range out.Named {
		if each != nil {
			each(key)
		}
	}
	return out.Swept, err
}

// Erased tells which of some people were erased from the server's database, and
// when for the last time.
func (c *Client) Erased(ctx context.Context, identifiers []string) (map[string]time.Time, error) {
	found := map[string]time.Time{}
	for part := range slices.Chunk(identifiers, mostRows) {
		out, err := post[struct {
			Erased map[string]time.Time
		}](ctx, c, "/v1/erasures/known", struct {
			Identifiers []string `json:"identifiers"`
		}{part})
		if err != nil {
			return nil, err
		}
		maps.Copy(found, out.Erased)
	}
	return found, nil
}

// NoteExport notes an export at the server for its erasures to find. The files
// of one that is noted over the network are not touched, but named.
func (c *Client) NoteExport(ctx context.Context, e erasure.Export) error {
	path, err := pathTo("id", "/v1/exports/", e.ID, "")
	if err != nil {
		return err
	}
	return c.do(ctx, request{method: http.MethodPut, path: path, body: struct {
		Path   string    `json:"path"`
		Host   string    `json:"host"`
		Made   time.Time `json:"made"`
		Digest string    `json:"digest,omitempty"`
	}{e.Path, e.Host, e.Made, e.Digest}}, nil)
}

// ForgetExport drops the note of an export.
func (c *Client) ForgetExport(ctx context.Context, id string) error {
	path, err := pathTo("id", "/v1/exports/", id, "")
	if err != nil {
		return err
	}
	return c.do(ctx, request{method: http.MethodDelete, path: path}, nil)
}
