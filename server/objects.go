package server

import (
	"context"
	"io"
	"mime"
	"net/http"
	"path"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/varvedb/varve/blob/media"
	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
)

type objectRef struct {
	Key string `path:"key" doc:"the object key; its slashes may stay as they are or be written %2F"`
}

type objectPut struct {
	Key         string `path:"key" doc:"the object key; its slashes may stay as they are or be written %2F"`
	Disposition string `query:"disposition" doc:"a Content-Disposition whose filename the URL tells the reader"`
	Overwrite   flag   `query:"overwrite" doc:"false: refuse to replace"`
}

type objectGet struct {
	Key       string `path:"key" doc:"the object key; its slashes may stay as they are or be written %2F"`
	Sign      flag   `query:"sign" doc:"answer with a signed URL instead of the bytes"`
	TTL       number `query:"ttl" doc:"seconds that the signed URL lasts"`
	Database  string `query:"database" doc:"of a signed URL"`
	Expires   number `query:"expires" doc:"of a signed URL"`
	Name      string `query:"name" doc:"of a signed URL"`
	Type      string `query:"type" doc:"of a signed URL"`
	Signature string `query:"signature" doc:"of a signed URL; needs no key"`
}

type objectAnswer struct {
	ObjectKey string `json:"object_key"`
	URL       string `json:"url" doc:"reads the object for a while without a key"`
}

// maxTTL is the longest life of a signed URL, which is also what S3 allows.
const maxTTL = 7 * 24 * time.Hour

const objectPath, objectPattern = "/v1/objects/{key}", "/v1/objects/{key...}"

func (s *Server) objectRoutes() {
	const tag = "objects"
	schema := s.api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[objectAnswer](), true, "")

	put := op("put-object", http.MethodPut, objectPath, tag, "Store bytes under a key")
	put.Metadata = map[string]any{bodyKey: &huma.RequestBody{Required: true,
		Content: map[string]*huma.MediaType{"*/*": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}}}}
	put.Responses, put.DefaultStatus = answers("200", "application/json", schema), http.StatusOK
	describe[objectPut, struct{}](s, put)
	s.plainHandler("PUT "+objectPattern, s.putObject)

	get := op("get-object", http.MethodGet, objectPath, tag, "The bytes under a key, or a signed URL to them")
	get.Responses, get.DefaultStatus = bytesAnswers(), http.StatusOK
	get.Responses["200"].Content["application/json"] = &huma.MediaType{Schema: schema}
	describe[objectGet, struct{}](s, get)
	s.plainHandler("GET "+objectPattern, s.getObject)

	describe[objectRef, struct{}](s, op("delete-object", http.MethodDelete, objectPath, tag, "Delete the bytes under a key"))
	s.plainHandler("DELETE "+objectPattern, s.deleteObject)
}

// object is the key of a call and the files it lies in. Whose an object is, is
// known of elements only, so that a call for a user gets none by its key.
func object(c *call) (string, Files, error) {
	key := c.r.PathValue("key")
	switch {
	case c.db.Files == nil:
		return "", nil, errs.New(errs.Unsupported, "no place for bytes is configured here")
	case c.actor != "":
		return "", nil, errs.New(errs.Forbidden, "objects are not for calls that act for a user; read the element")
	case key == "" || !plain(key) || len(key) > maxObjectKey:
		return "", nil, errs.Field(errs.Invalid, "key", "must be UTF-8 without NUL and have 1 to %d bytes", maxObjectKey)
	}
	return key, c.db.Files, nil
}

// maxObjectKey is what S3 allows.
const maxObjectKey = 1024

func (s *Server) putObject(ctx context.Context, c *call) error {
	key, files, err := object(c)
	if err != nil {
		return err
	}
	q, err := parameters(c)
	if err != nil {
		return err
	}
	overwrite, err := flag(q.Get("overwrite")).parse("overwrite", true)
	if err != nil {
		return err
	}
	if c.r.ContentLength > s.opt.MaxContent {
		return tooLarge("the content", s.opt.MaxContent)
	}
	write := files.Write
	if !overwrite {
		write = files.Create
		if err := absent(ctx, files, key); err != nil {
			return err
		}
	}
	mediaType := c.r.Header.Get("Content-Type")
	if mediaType == "" {
		mediaType = "application/octet-stream"
	}
	content := s.contentOf(c, c.r.Body)
	if _, err := write(ctx, key, content, mediaType); err != nil {
		if content.err != nil {
			err = content.err
		}
		return err
	}
	return s.answerURL(ctx, c, files, key, media.Name(q.Get("disposition")), mediaType, 0)
}

// absent looks whether a key is free, before all the bytes come for nothing.
func absent(ctx context.Context, files Files, key string) error {
	content, err := files.Open(ctx, key)
	switch {
	case err == nil:
		content.Body.Close()
		return errs.Field(errs.Exists, "key", "there is an object already")
	case errs.KindOf(err) == errs.NotFound:
		return nil
	}
	return err
}

func (s *Server) answerURL(ctx context.Context, c *call, files Files, key, name, mediaType string, ttl time.Duration) error {
	url, err := files.Sign(ctx, key, name, mediaType, ttl)
	if err != nil {
		return err
	}
	if s.opt.PublicURL != "" && url != "" && url[0] == '/' {
		url = s.opt.PublicURL + url
	}
	return writeJSON(c, objectAnswer{ObjectKey: key, URL: url})
}

func (s *Server) getObject(ctx context.Context, c *call) error {
	key, files, err := object(c)
	if err != nil {
		return err
	}
	q, err := parameters(c)
	if err != nil {
		return err
	}
	if signed(c.r) {
		if err := files.Verify(key, q); err != nil {
			return err
		}
		// Who has the URL has the bytes, from any page.
		c.Header().Set("Access-Control-Allow-Origin", "*")
	}
	sign, err := flag(q.Get("sign")).parse("sign", false)
	if err != nil {
		return err
	}
	content, err := files.Open(ctx, key)
	if err != nil {
		return err
	}
	defer content.Body.Close()
	if sign && !signed(c.r) {
		ttl, err := ttlOf(number(q.Get("ttl")))
		if err != nil {
			return err
		}
		return s.answerURL(ctx, c, files, key, content.Name, mediaTypeOf(key, content), ttl)
	}
	if signed(c.r) {
		content.Name = q.Get("name")
		if t := q.Get("type"); t != "" {
			content.MIME = t
		}
	}
	return s.send(c, content)
}

// mediaTypeOf tells what an object is. A place that keeps no types leaves it to
// the end of the key, as Chainlit's layers name objects, or to the first bytes:
// an image without a type would not be shown.
func mediaTypeOf(key string, content chat.Content) string {
	if content.MIME != "" {
		return content.MIME
	}
	if t := mime.TypeByExtension(path.Ext(key)); t != "" {
		return t
	}
	head := make([]byte, 512) // all that DetectContentType looks at
	n, _ := io.ReadFull(content.Body, head)
	return http.DetectContentType(head[:n])
}

func ttlOf(n number) (time.Duration, error) {
	seconds, ok, err := n.parse("ttl")
	if err != nil || !ok {
		return 0, err
	}
	if seconds < 1 || seconds > int(maxTTL/time.Second) {
		return 0, errs.Field(errs.Invalid, "ttl", "must be 1 to %d seconds", int(maxTTL/time.Second))
	}
	return time.Duration(seconds) * time.Second, nil
}

func (s *Server) deleteObject(ctx context.Context, c *call) error {
	key, files, err := object(c)
	if err != nil {
		return err
	}
	content, err := files.Open(ctx, key)
	if err != nil {
		return err
	}
	content.Body.Close()
	if err := files.Delete(ctx, key); err != nil {
		return err
	}
	c.WriteHeader(http.StatusNoContent)
	return nil
}
