package server

import (
	"context"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/lake"
	"github.com/varvedb/varve/page"
	"github.com/varvedb/varve/server/keys"
	"github.com/varvedb/varve/server/wire"
	"github.com/varvedb/varve/state"
)

// fileRef names a file. It is exported for the router, which sets no others.
type FileRef struct {
	Path     string `query:"path" doc:"the path; a file without one and one on an empty path are two"`
	Filename string `query:"filename" doc:"the name"`
	UserID   string `query:"user_id" doc:"the owner, for calls that act for nobody; nobody's file when absent"`
}

type fileRead struct {
	FileRef
	Version number `query:"version" doc:"the version by its _version; the newest when absent"`
	At      number `query:"at" doc:"the state at a position; now when absent"`
}

// fileFields are what is known about a file.
type FileFields struct {
	FileRef
	Filetype    string   `query:"filetype"`
	Version     number   `query:"version" doc:"a number of the caller's; nothing counts it"`
	Status      string   `query:"status"`
	Description string   `query:"description"`
	Label       []string `query:"label,explode" doc:"may be repeated"`
}

type filePut struct {
	FileFields
	Mode string `query:"mode" enum:"put,append,update,replace" doc:"append: there must be none; update: there must be one; put: either. What is absent stays; replace: it becomes null"`
}

type fileLink struct {
	fileRead
	TTL number `query:"ttl" doc:"seconds that the link lasts; an hour when absent"`
}

type fileList struct {
	Path string `query:"path" doc:"files on this path only"`
	Cut
}

type linkPath struct {
	Token    string `path:"token"`
	Database string `query:"database" doc:"as the link has it"`
}

type linkAnswer struct {
	URL string `json:"url" doc:"reads the bytes for a while without a key"`
}

const (
	filePath = "/v1/lake/file"
	linkRoot = "/v1/lake/links/"
)

func (s *Server) lakeRoutes() {
	const tag = "lake"
	reply(s, op("list-files", http.MethodGet, "/v1/lake/files", tag, "Files, the newest first"), s.listFiles)
	reply(s, op("get-file", http.MethodGet, filePath, tag, "What is known about a file"), s.getFile)
	reply(s, op("update-file", http.MethodPatch, filePath, tag, "Change what is known about a file, and leave its bytes"), s.patchFile)
	done(s, op("delete-file", http.MethodDelete, filePath, tag, "Delete a file; its history stays"), s.deleteFile)
	reply(s, op("get-file-history", http.MethodGet, filePath+"/history", tag, "The versions of a file, newest first"), s.fileHistory)
	reply(s, with(op("enter-file", http.MethodPost, "/v1/lake/entries", tag, "Make a new file of bytes that are kept already"), jsonBody[wire.Entry](s.api)), s.enterFile)
	reply(s, op("link-file", http.MethodPost, filePath+"/link", tag, "A link with which anybody reads the bytes for a while"), s.linkFile)

	put := op("put-file", http.MethodPut, filePath, tag, "Put the bytes of a file")
	put.Metadata = map[string]any{bodyKey: &huma.RequestBody{Required: true,
		Content: map[string]*huma.MediaType{"*/*": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}}}}
	put.DefaultStatus = http.StatusOK
	put.Responses = answers("200", "application/json", s.api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[wire.File](), true, ""))
	describe[filePut, struct{}](s, put)
	s.plainHandler("PUT "+filePath, s.putFile)

	get := op("get-file-content", http.MethodGet, filePath+"/content", tag, "The bytes of a file")
	get.Responses, get.DefaultStatus = bytesAnswers(), http.StatusOK
	describe[fileRead, struct{}](s, get)
	s.plainHandler("GET "+filePath+"/content", s.fileContent)

	follow := op("follow-link", http.MethodGet, linkRoot+"{token}", tag, "The bytes that a link leads to")
	follow.Responses, follow.DefaultStatus = bytesAnswers(), http.StatusOK
	describe[linkPath, struct{}](s, follow)
	s.plainHandler("GET "+linkRoot+"{token}", s.followLink)
}

// lake is the lake as the caller may use it.
func (c *call) lake() (*lake.Service, error) {
	if c.db.Lake == nil {
		return nil, errs.New(errs.Unsupported, "this database keeps no files")
	}
	q, err := parameters(c)
	if err != nil {
		return nil, err
	}
	owner, named := q.Get("user_id"), q.Has("user_id")
	switch {
	case c.actor != "" && named && owner != c.actor:
		return nil, errs.Field(errs.Forbidden, "user_id", "is not the acting user")
	case c.actor != "":
		return c.db.Lake.As(c.actor).By(c.actor), nil
	case !c.may(keys.Admin):
		return nil, errs.New(errs.Forbidden, "files are their users': say for whom with %s, or use a key with the scope %q", wire.HeaderUser, keys.Admin)
	case named:
		return c.db.Lake.As(owner), nil
	}
	return c.db.Lake, nil
}

// optional is the value of a parameter, nil when it is absent.
func optional(q url.Values, name string) *string {
	if !q.Has(name) {
		return nil
	}
	v := q.Get(name)
	return &v
}

// fileName is the file that a call names.
func fileName(c *call) lake.Name {
	q := c.r.URL.Query()
	return lake.Name{Path: optional(q, "path"), Filename: q.Get("filename")}
}

// file finds the version of a file that a call is about.
func (c *call) file(ctx context.Context, version, at number) (*lake.Service, lake.Record, error) {
	files, err := c.lake()
	if err != nil {
		return nil, lake.Record{}, err
	}
	nth, byNumber, err := version.parse("version")
	if err != nil {
		return nil, lake.Record{}, err
	}
	seq, past, err := at.parse("at")
	if err != nil {
		return nil, lake.Record{}, err
	}
	var f lake.Record
	switch name := fileName(c); {
	case byNumber:
		f, err = files.AsOf(state.AtVersion(int64(nth))).Get(ctx, name)
	case past:
		f, err = files.AsOf(state.AtPosition(int64(seq))).Get(ctx, name)
	default:
		f, err = files.Get(ctx, name)
	}
	return files, f, err
}

func (s *Server) getFile(ctx context.Context, c *call, in *fileRead) (wire.File, error) {
	_, f, err := c.file(ctx, in.Version, in.At)
	return wire.FileOf(f), err
}

func (s *Server) listFiles(ctx context.Context, c *call, in *fileList) (page.Page[wire.File], error) {
	request, err := in.request(c)
	if err != nil {
		return page.Page[wire.File]{}, err
	}
	files, err := c.lake()
	if err != nil {
		return page.Page[wire.File]{}, err
	}
	q := state.Query{Request: request}
	if path := optional(c.r.URL.Query(), "path"); path != nil {
		q.Where = []state.Condition{{Column: "path", Op: state.Equal, Value: *path}}
	}
	return filesOf(files.List(ctx, q))
}

func filesOf(p page.Page[lake.Record], err error) (page.Page[wire.File], error) {
	out := page.Page[wire.File]{Info: p.Info, Data: make([]wire.File, len(p.Data))}
	for i, f := range p.Data {
		out.Data[i] = wire.FileOf(f)
	}
	return out, err
}

func (s *Server) fileHistory(ctx context.Context, c *call, in *struct {
	FileRef
	Cut
}) (page.Page[wire.File], error) {
	request, err := in.request(c)
	if err != nil {
		return page.Page[wire.File]{}, err
	}
	files, err := c.lake()
	if err != nil {
		return page.Page[wire.File]{}, err
	}
	return filesOf(files.History(ctx, fileName(c), request))
}

func (s *Server) deleteFile(ctx context.Context, c *call, _ *FileRef) error {
	files, err := c.lake()
	if err != nil {
		return err
	}
	return files.Remove(ctx, fileName(c))
}

func (s *Server) fileContent(ctx context.Context, c *call) error {
	q := c.r.URL.Query()
	files, f, err := c.file(ctx, number(q.Get("version")), number(q.Get("at")))
	if err != nil {
		return err
	}
	return s.sendFile(ctx, c, files, f)
}

// sendFile answers with the bytes of a version, which its hash tells from all
// others.
func (s *Server) sendFile(ctx context.Context, c *call, files *lake.Service, f lake.Record) error {
	r, err := files.Read(ctx, f)
	if err != nil {
		return err
	}
	defer r.Close()
	c.Header().Set("ETag", strconv.Quote(f.Value.Hash))
	return s.send(c, chat.Content{Body: r, Name: f.Value.Filename, MIME: lake.MediaType(f.Value), Size: f.Value.Size, ModTime: f.At})
}

func (s *Server) linkFile(ctx context.Context, c *call, in *fileLink) (linkAnswer, error) {
	ttl, err := ttlOf(in.TTL)
	if err != nil {
		return linkAnswer{}, err
	}
	if ttl == 0 {
		ttl = time.Hour
	}
	files, f, err := c.file(ctx, in.Version, in.At)
	if err != nil {
		return linkAnswer{}, err
	}
	link := s.opt.PublicURL + linkRoot + url.PathEscape(files.Link(f, s.opt.Now().Add(ttl)))
	if len(s.opt.Databases) > 1 {
		link += "?database=" + url.QueryEscape(c.db.Name)
	}
	return linkAnswer{link}, nil
}

func (s *Server) followLink(ctx context.Context, c *call) error {
	if c.db.Lake == nil {
		return errs.New(errs.Unsupported, "this database keeps no files")
	}
	f, err := c.db.Lake.Linked(c.r.PathValue("token"))
	if err != nil {
		return err
	}
	c.Header().Set("Access-Control-Allow-Origin", "*") // who has the link has the bytes
	return s.sendFile(ctx, c, c.db.Lake, f)
}
