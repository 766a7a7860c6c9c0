package server

import (
	"context"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/server/wire"
)

type elementRef struct {
	ThreadID string `path:"threadId" doc:"or -, which means: whichever it belongs to"`
	ID       string `path:"elementId"`
}

const elementPath = "/v1/threads/{threadId}/elements/{elementId}"

func (s *Server) elementRoutes() {
	const tag = "elements"
	reply(s, op("get-element", http.MethodGet, elementPath, tag, "An element, with a URL that can be fetched"), s.getElement)
	done(s, op("delete-element", http.MethodDelete, elementPath, tag, "Delete an element and its bytes"), s.deleteElement)

	put := op("put-element", http.MethodPut, elementPath, tag, "Store an element and its bytes")
	put.Metadata = map[string]any{bodyKey: elementBody()}
	put.Responses = answers("200", wire.TypeJSON, &huma.Schema{Ref: schemas + "Element"})
	put.DefaultStatus = http.StatusOK
	describe[elementRef, struct{}](s, put)
	s.plainHandler("PUT "+elementPath, s.putElement)

	content := op("get-element-content", http.MethodGet, elementPath+"/content", tag, "The bytes of an element, or a range of them")
	content.Responses = bytesAnswers()
	content.DefaultStatus = http.StatusOK
	describe[elementRef, struct{}](s, content)
	s.plainHandler("GET "+elementPath+"/content", s.getContent)
}

// elementBody describes the form: its parts come in this order, so that the
// bytes can stream.
func elementBody() *huma.RequestBody {
	element := &huma.Schema{Ref: schemas + "Element"}
	return &huma.RequestBody{Required: true, Description: "The part element first, then the part content.",
		Content: map[string]*huma.MediaType{
			"multipart/form-data": {
				Schema: &huma.Schema{Type: huma.TypeObject, Required: []string{wire.PartElement}, Properties: map[string]*huma.Schema{
					wire.PartElement: element,
					wire.PartContent: {Type: huma.TypeString, Format: "binary"},
				}},
				Encoding: map[string]*huma.Encoding{wire.PartElement: {ContentType: wire.TypeJSON}},
			},
			wire.TypeJSON: {Schema: element},
		}}
}

func answers(status, mediaType string, schema *huma.Schema) map[string]*huma.Response {
	return map[string]*huma.Response{status: {Description: "OK", Content: map[string]*huma.MediaType{mediaType: {Schema: schema}}}}
}

func bytesAnswers() map[string]*huma.Response {
	binary := &huma.Schema{Type: huma.TypeString, Format: "binary"}
	all := answers("200", "*/*", binary)
	all["206"] = &huma.Response{Description: "Partial Content", Content: map[string]*huma.MediaType{"*/*": {Schema: binary}}}
	return all
}

// elementRefOf reads the path of a plain handler.
func elementRefOf(c *call) chat.Ref {
	return elementRef{ThreadID: c.r.PathValue("threadId"), ID: c.r.PathValue("elementId")}.ref()
}

func (in elementRef) ref() chat.Ref {
	if in.ThreadID == wire.AnyThread {
		in.ThreadID = ""
	}
	return chat.Ref{ID: in.ID, ThreadID: in.ThreadID}
}

func (s *Server) getElement(ctx context.Context, c *call, in *elementRef) (chat.Element, error) {
	e, err := c.db.Chat.Element(acting(ctx, c), in.ref())
	s.absolute(&e)
	return e, err
}

func (s *Server) deleteElement(ctx context.Context, c *call, in *elementRef) error {
	return c.db.Chat.DeleteElement(acting(ctx, c), in.ref())
}

func (s *Server) getContent(ctx context.Context, c *call) error {
	content, err := c.db.Chat.Content(acting(ctx, c), elementRefOf(c))
	if err != nil {
		return err
	}
	defer content.Body.Close()
	return s.send(c, content)
}

// putElement takes a form or plain JSON.
func (s *Server) putElement(ctx context.Context, c *call) error {
	var e chat.Element
	var content io.Reader
	mediaType, params, _ := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	if strings.HasPrefix(mediaType, "multipart/") {
		if c.r.ContentLength > s.opt.MaxBody+s.opt.MaxContent {
			return tooLarge("the content", s.opt.MaxContent)
		}
		part, err := s.elementForm(c, params["boundary"], &e)
		if err != nil {
			return err
		}
		if part != nil {
			content = part
		}
	} else if err := s.body(c, &e); err != nil {
		return err
	}
	if err := address(c, &e); err != nil {
		return err
	}
	stored, err := c.db.Chat.PutElement(acting(ctx, c), e, content)
	if part, ok := content.(*contentPart); ok && part.err != nil {
		err = part.err // what the caller did says more than what it led to
	}
	if err != nil {
		return err
	}
	s.absolute(&stored)
	warnInHeader(c)
	return writeJSON(c, stored)
}

// address fills the ids of an element from the path.
func address(c *call, e *chat.Element) error {
	r := elementRefOf(c)
	if err := same("id", &e.ID, r.ID); err != nil {
		return err
	}
	if r.ThreadID == "" {
		return nil
	}
	return same("threadId", &e.ThreadID, r.ThreadID)
}

// elementForm reads the part element and returns the part content, of which
// nothing is read yet; nil when there is none.
func (s *Server) elementForm(c *call, boundary string, e *chat.Element) (*contentPart, error) {
	if boundary == "" {
		return nil, errs.New(errs.Invalid, "the form has no boundary")
	}
	form := multipart.NewReader(c.r.Body, boundary)
	part, err := form.NextRawPart()
	if err != nil {
		return nil, unread(err)
	}
	if part.FormName() != wire.PartElement {
		return nil, errs.Field(errs.Invalid, wire.PartElement, "must be the first part of the form")
	}
	if err := s.decode(c, part, e); err != nil {
		return nil, err
	}
	part, err = form.NextRawPart()
	if errors.Is(err, io.EOF) {
		return nil, nil
	}
	if err != nil {
		return nil, unread(err)
	}
	if part.FormName() != wire.PartContent {
		return nil, errs.Field(errs.Invalid, wire.PartContent, "must be the second part of the form")
	}
	if t := part.Header.Get("Content-Type"); e.MIME == "" && t != "" {
		e.MIME = t
	}
	return s.contentOf(c, part), nil
}

// contentOf is the content of a call, read from r.
func (s *Server) contentOf(c *call, r io.Reader) *contentPart {
	return &contentPart{r: r, left: s.opt.MaxContent, limit: s.opt.MaxContent, conn: http.NewResponseController(c.w)}
}

// contentPart is a stream that knows its limit and remembers how it failed.
// Its end is the form's boundary: a form that is cut off has none, fails, and
// leaves nothing stored.
type contentPart struct {
	r           io.Reader
	left, limit int64
	err         error
	conn        *http.ResponseController
	extended    time.Time
}

func (p *contentPart) Read(b []byte) (int, error) {
	if p.err != nil {
		return 0, p.err
	}
	if int64(len(b)) > p.left+1 {
		b = b[:p.left+1] // one more tells too large from just full
	}
	p.extend()
	n, err := p.r.Read(b)
	p.left -= int64(n)
	switch {
	case p.left < 0:
		p.err = tooLarge("the content", p.limit)
		return 0, p.err
	case err != nil && !errors.Is(err, io.EOF):
		p.err = unread(err)
		return n, p.err
	}
	return n, err
}

// extend gives an upload that moves all the time it needs: the limit on the
// time of a request is for what stands still.
func (p *contentPart) extend() {
	if now := time.Now(); now.Sub(p.extended) > time.Second {
		p.extended = now
		_ = p.conn.SetReadDeadline(now.Add(readTimeout)) // without a connection there is no limit
	}
}
