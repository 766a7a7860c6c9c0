package client

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"io/fs"
	"net/http"
	"strconv"

	"github.com/varvedb/varve/artifact"
	"github.com/varvedb/varve/component"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/page"
	"github.com/varvedb/varve/server/wire"
)

// Artifacts are a server's bytes under their digests. The methods' contracts
// are those of artifact.API; bytes are verified here, whatever is between, and
// large ones by the server not. An answer that breaks off is errs.Unavailable: the
// connection was lost, or the bytes are damaged where they lie.
type Artifacts struct{ c *Client }

// Artifacts are the server's bytes under their digests.
func (c *Client) Artifacts() *Artifacts { return &Artifacts{c} }

var _ artifact.API = (*Artifacts)(nil)

func artifactPath(d artifact.Digest, rest string) (string, error) {
	if _, err := artifact.ParseDigest(d.Ref()); err != nil {
		return "", err
	}
	return "/v1/artifacts/" + string(d) + rest, nil
}

// Put implements artifact.API.
func (a *Artifacts) Put(ctx context.Context, r io.Reader, mediaType string) (artifact.Info, error) {
	return a.put(ctx, http.MethodPost, "/v1/artifacts", r, mediaType)
}

// PutAs implements artifact.API.
func (a *Artifacts) PutAs(ctx context.Context, d artifact.Digest, r io.Reader, mediaType string) (artifact.Info, error) {
	path, err := artifactPath(d, "")
	if err != nil {
		return artifact.Info{}, err
	}
	return a.put(ctx, http.MethodPut, path, r, mediaType)
}

// put sends bytes and holds the answer to what was sent.
func (a *Artifacts) put(ctx context.Context, method, path string, r io.Reader, mediaType string) (info artifact.Info, err error) {
	body := &summed{counted{r: r}, sha256.New()}
	err = a.c.do(ctx, request{method: method, path: path, stream: body, kind: mediaType}, &info)
	if body.err != nil {
		return artifact.Info{}, errs.Wrap(errs.Invalid, body.err, "the content cannot be read")
	}
	if err == nil && (info.Size != body.n || string(info.Digest) != hex.EncodeToString(body.sum.Sum(nil))) {
		err = errs.New(errs.Internal, "the server keeps other bytes than it was sent; something between here and there changes them")
	}
	if err != nil {
		return artifact.Info{}, err
	}
	return info, nil
}

// summed is counted with a digest.
type summed struct {
	counted
	sum hash.Hash
}

// Read implements io.Reader.
func (s *summed) Read(b []byte) (int, error) {
	n, err := s.counted.Read(b)
	s.sum.Write(b[:n])
	return n, err
}

// Keep implements artifact.API.
func (a *Artifacts) Keep(ctx context.Context, d artifact.Digest) error {
	path, err := artifactPath(d, "/keep")
	if err != nil {
		return err
	}
	return a.c.do(ctx, request{method: http.MethodPost, path: path}, nil)
}

// Stat implements artifact.API.
func (a *Artifacts) Stat(ctx context.Context, d artifact.Digest) (artifact.Info, error) {
	head, err := a.get(ctx, http.MethodHead, d)
	if err != nil {
		return artifact.Info{}, err
	}
	drain(head.Body)
	return infoOf(d, head), nil
}

func (a *Artifacts) get(ctx context.Context, method string, d artifact.Digest) (*http.Response, error) {
	path, err := artifactPath(d, "")
	if err != nil {
		return nil, err
	}
	answer, err := a.c.send(ctx, request{method: method, path: path, proves: true})
	if errors.Is(err, errs.NotFound) { // an answer to HEAD has no words
		err = errs.Field(errs.NotFound, "digest", "there is no artifact %s", d)
	}
	return answer, err
}

func infoOf(d artifact.Digest, r *http.Response) artifact.Info {
	return artifact.Info{Digest: d, Size: r.ContentLength, MediaType: r.Header.Get(wire.HeaderMedia)}
}

// Open implements artifact.API.
func (a *Artifacts) Open(ctx context.Context, d artifact.Digest) (*artifact.Reader, error) {
	answer, err := a.get(ctx, http.MethodGet, d)
	if err != nil {
		return nil, err
	}
	return artifact.NewReader(infoOf(d, answer), unbroken{answer.Body}), nil
}

// unbroken tells an answer that breaks off from bytes that are others.
type unbroken struct{ io.ReadCloser }

// Read implements io.Reader.
func (u unbroken) Read(b []byte) (int, error) {
	n, err := u.ReadCloser.Read(b)
	if err != nil && err != io.EOF {
		err = errs.Wrap(errs.Unavailable, err, "the answer breaks off: the connection was lost, or the bytes are damaged where they lie")
	}
	return n, err
}

// List implements artifact.API.
func (a *Artifacts) List(ctx context.Context, after artifact.Digest, limit int) ([]artifact.Info, error) {
	out := []artifact.Info{}
	for len(out) < limit {
		q := params("cursor", string(after), "first", strconv.Itoa(min(limit-len(out), page.MaxFirst)))
		some, err := get[page.Page[artifact.Info]](ctx, a.c, "/v1/artifacts", q)
		if err != nil {
			return nil, err
		}
		out = append(out, some.Data...)
		if !some.Info.HasNextPage {
			break
		}
		after = out[len(out)-1].Digest
	}
	return out, nil
}

// PutFolder implements artifact.API.
func (a *Artifacts) PutFolder(ctx context.Context, folder fs.FS) (artifact.Info, error) {
	return artifact.Pack(folder, func(f io.Reader) (artifact.Info, error) { return a.Put(ctx, f, "application/octet-stream") },
		func(files []artifact.File) (artifact.Info, error) {
			body := struct {
				Files []artifact.File `json:"files"`
			}{files}
			return post[artifact.Info](ctx, a.c, "/v1/artifacts/folders", body)
		})
}

// Folder implements artifact.API.
func (a *Artifacts) Folder(ctx context.Context, d artifact.Digest) ([]artifact.File, error) {
	return artifact.FolderFrom(ctx, a, d)
}

// Unpack implements artifact.API.
func (a *Artifacts) Unpack(ctx context.Context, d artifact.Digest, to string) error {
	return artifact.UnpackFrom(ctx, a, d, to)
}

// users are the components that name an artifact.
func (a *Artifacts) users(ctx context.Context, d artifact.Digest) ([]component.Ref, error) {
	path, err := artifactPath(d, "/users")
	if err != nil {
		return nil, err
	}
	out, err := get[wire.List[component.Ref]](ctx, a.c, path, nil)
	return out.Data, err
}
