package server

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"reflect"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"github.com/varvedb/varve/artifact"
	"github.com/varvedb/varve/blob/media"
	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/component"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/page"
	"github.com/varvedb/varve/server/wire"
)

const (
	artifactsPath = "/v1/artifacts"
	artifactPath  = artifactsPath + "/{sha256}"
)

type artifactDigest struct {
	Digest string `path:"sha256" doc:"64 hexadecimal digits in lower case"`
}

type folderBody struct {
	Files []artifact.File `json:"files" doc:"paths and digests; sizes need not be told"`
}

func (s *Server) artifactRoutes() {
	const tag = "artifacts"
	info := s.api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[artifact.Info](), true, "")
	binary := map[string]any{bodyKey: &huma.RequestBody{Required: true,
		Content: map[string]*huma.MediaType{"*/*": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}}}}

	post := with(op("put-artifact", http.MethodPost, artifactsPath, tag, "Keep bytes under their digest"), binary)
	post.Responses, post.DefaultStatus = answers("200", wire.TypeJSON, info), http.StatusOK
	describe[struct{}, struct{}](s, post)
	s.plainHandler("POST "+artifactsPath, s.putArtifact)

	put := with(op("put-artifact-as", http.MethodPut, artifactPath, tag, "Keep bytes if their digest is this"), binary)
	put.Responses, put.DefaultStatus = answers("200", wire.TypeJSON, info), http.StatusOK
	describe[artifactDigest, struct{}](s, put)
	s.plainHandler("PUT "+artifactPath, s.putArtifact)

	get := op("get-artifact", http.MethodGet, artifactPath, tag, "The bytes of an artifact")
	get.Responses, get.DefaultStatus = answers("200", "*/*", &huma.Schema{Type: huma.TypeString, Format: "binary"}), http.StatusOK
	describe[artifactDigest, struct{}](s, get)
	s.plainHandler("GET "+artifactPath, s.getArtifact)

	reply(s, op("list-artifacts", http.MethodGet, artifactsPath, tag, "What is kept, by digest"), s.listArtifacts)
	done(s, op("keep-artifact", http.MethodPost, artifactPath+"/keep", tag, "Keep bytes that nobody names for another hour"), s.keepArtifact)
	reply(s, op("get-artifact-users", http.MethodGet, artifactPath+"/users", tag, "The components that name an artifact"), s.artifactUsers)
	reply(s, with(op("put-folder", http.MethodPost, artifactsPath+"/folders", tag, "Make a folder of files that are kept"), jsonBody[folderBody](s.api)), s.putFolder)
	reply(s, op("get-folder", http.MethodGet, artifactPath+"/files", tag, "The files of a folder"), s.getFolder)
}

// artifacts is the store of artifacts for callers that may use it: like the
// components and rows that name them, they belong to nobody.
func (c *call) artifacts() (*artifact.Store, error) {
	switch {
	case c.db.Artifacts == nil:
		return nil, errs.New(errs.Unsupported, "this database keeps no artifacts")
	case c.actor != "":
		return nil, errs.New(errs.Forbidden, "artifacts are everybody's, so they are not for calls that act for a user")
	}
	return c.db.Artifacts, nil
}

// artifact is the store and the digest of a call's path.
func (c *call) artifact() (*artifact.Store, artifact.Digest, error) {
	store, err := c.artifacts()
	if err != nil {
		return nil, "", err
	}
	d := c.r.PathValue("sha256")
	if _, err := artifact.ParseDigest(artifact.Digest(d).Ref()); err != nil {
		return nil, "", err
	}
	return store, artifact.Digest(d), nil
}

// putArtifact takes the bytes of an artifact as they come. Where the path tells
// their digest they are held to it.
func (s *Server) putArtifact(ctx context.Context, c *call) error {
	put := (*artifact.Store).Put
	store, err := c.artifacts()
	if c.r.PathValue("sha256") != "" {
		var d artifact.Digest
		store, d, err = c.artifact()
		put = func(a *artifact.Store, ctx context.Context, r io.Reader, mediaType string) (artifact.Info, error) {
			return a.PutAs(ctx, d, r, mediaType)
		}
	}
	if err != nil {
		return err
	}
	if c.r.ContentLength > s.opt.MaxContent {
		return tooLarge("the content", s.opt.MaxContent)
	}
	content := s.contentOf(c, c.r.Body)
	info, err := put(store, ctx, content, c.r.Header.Get("Content-Type"))
	if content.err != nil {
		err = content.err // what the caller did says more than what it led to
	}
	if err != nil {
		return err
	}
	return writeJSON(c, info)
}

// getArtifact sends bytes and verifies them meanwhile, unless the caller does,
// which would take a core of both for nothing. The first of them are
// read before the answer begins, so that small ones which are damaged are a
// problem and not an answer that breaks off.
func (s *Server) getArtifact(ctx context.Context, c *call) error {
	store, d, err := c.artifact()
	if err != nil {
		return err
	}
	info, err := store.Stat(ctx, d)
	if err != nil {
		return err
	}
	tag := strconv.Quote(string(d))
	c.Header().Set("ETag", tag)
	c.Header().Set(wire.HeaderMedia, info.MediaType)
	switch {
	case c.r.Header.Get("If-None-Match") == tag:
		c.WriteHeader(http.StatusNotModified)
		return nil
	case c.r.Method == http.MethodHead:
		mediaType, _ := media.Safe(info.MediaType)
		c.Header().Set("Content-Type", mediaType)
		c.Header().Set("Content-Length", strconv.FormatInt(info.Size, 10))
		c.WriteHeader(http.StatusOK)
		return nil
	}
	open := store.Open
	if c.r.Header.Get(wire.HeaderUnverified) != "" && info.Size > verifiedHere {
		open = store.OpenUnverified
	}
	r, err := open(ctx, d)
	if err != nil {
		return err
	}
	defer r.Close()
	first := make([]byte, min(info.Size, 32<<10))
	n, err := r.Read(first)
	if err != nil && err != io.EOF {
		return err
	}
	return s.send(c, chat.Content{Body: begun{r, bytes.NewReader(first[:n])}, MIME: info.MediaType, Size: info.Size})
}

// verifiedHere is how large an artifact may be that is verified although its
// reader does so too: it costs nothing, and what is damaged is logged here.
const verifiedHere = 1 << 20

// begun is an artifact of which the first bytes were read already.
type begun struct {
	*artifact.Reader
	first *bytes.Reader
}

// WriteTo implements io.WriterTo.
func (b begun) WriteTo(w io.Writer) (int64, error) {
	n, err := b.first.WriteTo(w)
	if err != nil {
		return n, err
	}
	rest, err := b.Reader.WriteTo(w)
	return n + rest, err
}

// Read implements io.Reader.
func (b begun) Read(p []byte) (int, error) {
	if b.first.Len() > 0 {
		return b.first.Read(p)
	}
	return b.Reader.Read(p)
}

// listArtifacts cuts by the digest itself, which is as good as any cursor.
func (s *Server) listArtifacts(ctx context.Context, c *call, in *Cut) (page.Page[artifact.Info], error) {
	none := page.Page[artifact.Info]{}
	request, err := in.request(c)
	if err != nil {
		return none, err
	}
	store, err := c.artifacts()
	if err != nil {
		return none, err
	}
	if request.Cursor != "" {
		if _, err := artifact.ParseDigest(request.Cursor); err != nil {
			return none, errs.Field(errs.Invalid, "cursor", "is none of this listing; begin without one")
		}
	}
	some, err := store.List(ctx, artifact.Digest(request.Cursor), request.Limit()+1)
	if err != nil || len(some) == 0 {
		return page.Page[artifact.Info]{Data: []artifact.Info{}}, err
	}
	out := page.Page[artifact.Info]{Data: some[:min(len(some), request.Limit())]}
	first, last := string(some[0].Digest), string(out.Data[len(out.Data)-1].Digest)
	out.Info = page.Info{HasNextPage: len(some) > request.Limit(), StartCursor: &first, EndCursor: &last}
	return out, nil
}

func (s *Server) keepArtifact(ctx context.Context, c *call, _ *artifactDigest) error {
	store, d, err := c.artifact()
	if err != nil {
		return err
	}
	return store.Keep(ctx, d)
}

func (s *Server) artifactUsers(ctx context.Context, c *call, _ *artifactDigest) (none wire.List[component.Ref], err error) {
	_, d, err := c.artifact()
	if err != nil {
		return none, err
	}
	room, err := c.components(false)
	if err != nil {
		return none, err
	}
	users, err := room.Users(ctx, d)
	return wire.ListOf(users), err
}

func (s *Server) putFolder(ctx context.Context, c *call, _ *struct{}) (artifact.Info, error) {
	store, err := c.artifacts()
	if err != nil {
		return artifact.Info{}, err
	}
	var body strictly[folderBody]
	if err := s.body(c, &body); err != nil {
		return artifact.Info{}, err
	}
	return store.PutFiles(ctx, body.v.Files)
}

func (s *Server) getFolder(ctx context.Context, c *call, _ *artifactDigest) (wire.List[artifact.File], error) {
	store, d, err := c.artifact()
	if err != nil {
		return wire.List[artifact.File]{}, err
	}
	files, err := store.Folder(ctx, d)
	return wire.ListOf(files), err
}
