package client

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/textproto"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/server/wire"
)

func elementPath(threadID, id, suffix string) (string, error) {
	thread := segment(threadID)
	if threadID == "" {
		thread = wire.AnyThread
	}
	return pathTo("id", "/v1/threads/"+thread+"/elements/", id, suffix)
}

// PutElement implements chat.API. Content streams: it is not held in memory.
func (a *Chat) PutElement(ctx context.Context, e chat.Element, content io.Reader) (chat.Element, error) {
	var stored chat.Element
	path, err := elementPath(e.ThreadID, e.ID, "")
	r := request{method: http.MethodPut, path: path, body: e}
	if content != nil && err == nil {
		form := newForm(e, content)
		defer form.close()
		r.body, r.stream, r.kind = nil, form.read, form.kind
		err = a.call(ctx, nil, r, &stored)
		if form.failed() != nil && err != nil {
			err = errs.Wrap(errs.Invalid, form.failed(), "the content cannot be read")
		}
	} else {
		err = a.call(ctx, err, r, &stored)
	}
	a.c.resolve(&stored)
	return stored, err
}

// form writes the parts of an element into a pipe, in a goroutine that ends
// with the call.
type form struct {
	read *io.PipeReader
	kind string
	done chan struct{}
	err  error // of reading content; set before done
}

func newForm(e chat.Element, content io.Reader) *form {
	read, write := io.Pipe()
	w := multipart.NewWriter(write)
	f := &form{read: read, kind: w.FormDataContentType(), done: make(chan struct{})}
	go func() {
		defer close(f.done)
		write.CloseWithError(f.fill(w, e, content))
	}()
	return f
}

func (f *form) fill(w *multipart.Writer, e chat.Element, content io.Reader) error {
	part, err := w.CreatePart(header(wire.PartElement, wire.TypeJSON))
	if err != nil {
		return err
	}
	if err := json.NewEncoder(part).Encode(e); err != nil {
		f.err = err
		return err
	}
	mediaType := e.MIME
	if mediaType == "" || mime.FormatMediaType(mediaType, nil) == "" {
		mediaType = "application/octet-stream"
	}
	if part, err = w.CreatePart(header(wire.PartContent, mediaType)); err != nil {
		return err
	}
	if _, err := io.Copy(part, watched{content, f}); err != nil {
		return err
	}
	return w.Close()
}

// watched tells the form why reading failed: the pipe only tells the server.
type watched struct {
	r io.Reader
	f *form
}

func (w watched) Read(b []byte) (int, error) {
	n, err := w.r.Read(b)
	if err != nil && err != io.EOF {
		w.f.err = err
	}
	return n, err
}

// close ends the goroutine, and waits for it: content is the caller's again.
func (f *form) close() {
	f.read.Close()
	<-f.done
}

// failed is why content could not be read, once the form is closed.
func (f *form) failed() error {
	f.close()
	return f.err
}

func header(name, mediaType string) textproto.MIMEHeader {
	return textproto.MIMEHeader{
		"Content-Disposition": {fmt.Sprintf(`form-data; name=%q; filename=%q`, name, name)},
		"Content-Type":        {mediaType},
	}
}

// Element implements chat.API.
func (a *Chat) Element(ctx context.Context, r chat.Ref) (chat.Element, error) {
	var e chat.Element
	path, err := elementPath(r.ThreadID, r.ID, "")
	err = a.call(ctx, err, request{method: http.MethodGet, path: path}, &e)
	a.c.resolve(&e)
	return e, err
}

// Content implements chat.API. Closing Body early gives the connection up.
func (a *Chat) Content(ctx context.Context, r chat.Ref) (chat.Content, error) {
	path, err := elementPath(r.ThreadID, r.ID, "/content")
	if err != nil {
		return chat.Content{}, err
	}
	response, err := a.c.send(ctx, request{method: http.MethodGet, path: path})
	if err != nil {
		return chat.Content{}, err
	}
	return contentOf(response), nil
}

// contentOf is the content that an answer brings.
func contentOf(response *http.Response) chat.Content {
	c := chat.Content{Body: response.Body, MIME: response.Header.Get("Content-Type"), Size: response.ContentLength}
	if _, params, err := mime.ParseMediaType(response.Header.Get("Content-Disposition")); err == nil {
		c.Name = params["filename"]
	}
	if t, err := http.ParseTime(response.Header.Get("Last-Modified")); err == nil {
		c.ModTime = t
	}
	return c
}

// DeleteElement implements chat.API.
func (a *Chat) DeleteElement(ctx context.Context, r chat.Ref) error {
	path, err := elementPath(r.ThreadID, r.ID, "")
	return a.call(ctx, err, request{method: http.MethodDelete, path: path}, nil)
}
