package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/server/wire"
)

// request is one call. A body is either JSON or a stream.
type request struct {
	method string
	path   string // escaped
	query  url.Values
	body   any       // written as JSON; nil: none
	stream io.Reader // sent as it comes
	kind   string    // the stream's media type
	from   string    // the range asked for, "bytes=7-"
	accept string    // the media type asked for
	proves bool      // the answer is held to its digest here
}

// segment escapes a part of a path. Dots are escaped where they would be taken
// for the folder itself or the one above.
func segment(s string) string {
	switch s {
	case ".":
		return "%2E"
	case "..":
		return "%2E%2E"
	}
	return url.PathEscape(s)
}

// do makes a call and decodes its answer into out, unless out is nil.
func (c *Client) do(ctx context.Context, r request, out any) error {
	response, err := c.send(ctx, r)
	if err != nil {
		return err
	}
	defer drain(response.Body)
	if out == nil {
		return nil
	}
	raw, err := readAll(response)
	if err != nil {
		return lost(ctx, err)
	}
	if err := json.Unmarshal(raw, out); err != nil {
		return errs.Wrap(errs.Internal, err, "the server's answer cannot be understood")
	}
	return nil
}

func readAll(r *http.Response) ([]byte, error) {
	if r.ContentLength > 0 {
		raw := make([]byte, r.ContentLength)
		_, err := io.ReadFull(r.Body, raw)
		return raw, err
	}
	return io.ReadAll(r.Body)
}

// send makes a call and returns its answer if that is a success.
func (c *Client) send(ctx context.Context, r request) (*http.Response, error) {
	body, err := encode(r.body)
	if err != nil {
		return nil, err
	}
	attempts := c.opt.Attempts
	if r.stream != nil {
		attempts = 1 // it cannot be read twice
	}
	for try := 1; ; try++ {
		response, err := c.once(ctx, r, body)
		if err == nil {
			return accepted(response)
		}
		if try >= attempts || !neverSent(err) {
			return nil, lost(ctx, err)
		}
		if err := pause(ctx, try); err != nil {
			return nil, lost(ctx, err)
		}
	}
}

// encode writes a body as JSON; nil is none.
func encode(v any) (raw []byte, err error) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case chat.Step:
		// Its own JSON, without the second look that json.Marshal takes at it.
		if err := valid(v.Extra); err != nil {
			return nil, err
		}
		raw, err = v.MarshalJSON()
	default:
		raw, err = marshal(v)
	}
	var ours *errs.Error
	if errors.As(err, &ours) {
		return nil, ours
	}
	if err != nil {
		return nil, errs.Wrap(errs.Invalid, err, "cannot be written as JSON")
	}
	return raw, nil
}

// marshal is json.Marshal, with <, > and & as they are: what a caller gives as
// JSON is kept as it is written.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

func valid(extra map[string]json.RawMessage) error {
	for key, value := range extra {
		if !json.Valid(value) {
			return errs.Field(errs.Invalid, key, "is not valid JSON")
		}
	}
	return nil
}

func (c *Client) once(ctx context.Context, r request, body []byte) (*http.Response, error) {
	req, err := c.build(ctx, r, body)
	if err != nil {
		return nil, err
	}
	return c.http.Do(req)
}

func (c *Client) build(ctx context.Context, r request, body []byte) (*http.Request, error) {
	var reader io.Reader
	switch {
	case r.stream != nil:
		reader = r.stream
	case body != nil:
		reader = bytes.NewReader(body)
	}
	address := c.base.Scheme + "://" + c.base.Host + c.base.EscapedPath() + r.path
	if len(r.query) > 0 {
		address += "?" + r.query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, r.method, address, reader)
	if err != nil {
		return nil, errs.Wrap(errs.Invalid, err, "the request cannot be made")
	}
	c.headers(ctx, req, r)
	return req, nil
}

func (c *Client) headers(ctx context.Context, req *http.Request, r request) {
	req.Header.Set(wire.HeaderClient, c.agent)
	req.Header.Set("User-Agent", c.agent)
	switch {
	case r.stream != nil:
		req.Header.Set("Content-Type", r.kind)
	case r.body != nil:
		req.Header.Set("Content-Type", wire.TypeJSON)
	}
	if r.accept != "" {
		req.Header.Set("Accept", r.accept)
	}
	if r.from != "" {
		req.Header.Set("Range", r.from)
	}
	if r.proves {
		req.Header.Set(wire.HeaderUnverified, "1")
	}
	if c.opt.APIKey != "" {
		req.Header.Set("Authorization", "Bearer "+c.opt.APIKey)
	}
	if c.opt.Database != "" {
		req.Header.Set(wire.HeaderDatabase, c.opt.Database)
	}
	user := chat.Actor(ctx)
	if user == "" {
		user = c.opt.User
	}
	if user != "" {
		req.Header.Set(wire.HeaderUser, url.PathEscape(user))
	}
}

// accepted turns an answer that is no success into the error it tells.
func accepted(r *http.Response) (*http.Response, error) {
	if r.StatusCode < 300 {
		return r, nil
	}
	defer drain(r.Body)
	problem := wire.Problem{Status: r.StatusCode, Title: http.StatusText(r.StatusCode)}
	mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if mediaType == wire.TypeProblem {
		// What cannot be read leaves the status to speak.
		_ = json.NewDecoder(io.LimitReader(r.Body, 1<<20)).Decode(&problem)
	}
	return nil, problem.Err()
}

// drain makes a connection fit for the next call, if little is left on it.
func drain(body io.ReadCloser) {
	io.CopyN(io.Discard, body, 64<<10)
	body.Close()
}

// neverSent tells whether a call failed before anything of it left: nobody
// listened.
func neverSent(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

// lost is the error of a call without an answer.
func lost(ctx context.Context, err error) error {
	var ours *errs.Error
	if errors.As(err, &ours) {
		return err
	}
	var wrapped *url.Error // it quotes the address, which may be signed
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	if ctx.Err() != nil && !errors.Is(err, ctx.Err()) {
		err = errors.Join(ctx.Err(), err)
	}
	return errs.Wrap(errs.Unavailable, err, "no answer from the server")
}

// pause waits before the next try: 50, 100, 200 … ms.
func pause(ctx context.Context, try int) error {
	timer := time.NewTimer(25 * time.Millisecond << min(try, 6))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// params builds a query of what is not empty.
func params(pairs ...string) url.Values {
	q := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	return q
}

// rawParam is the parameter of reads whose context is chat.Raw.
func rawParam(ctx context.Context) string {
	if chat.IsRaw(ctx) {
		return "true"
	}
	return ""
}

// resolve completes a URL that is relative to the server.
func (c *Client) resolve(e *chat.Element) {
	if c.complete && strings.HasPrefix(e.URL, "/") {
		e.URL = c.base.Scheme + "://" + c.base.Host + c.base.EscapedPath() + e.URL
	}
}
