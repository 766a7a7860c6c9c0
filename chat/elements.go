package chat

import (
	"context"
	"io"
	"strings"

	"github.com/varvedb/varve/errs"
)

var elementIDs = map[string]bool{"id": true, "threadId": true, "forId": true}

// PutElement implements [API].
func (s *Service) PutElement(ctx context.Context, e Element, content io.Reader) (Element, error) {
	var c checker
	c.id("id", e.ID)
	c.id("threadId", e.ThreadID)
	fields(&c, elementFields, &e, elementIDs)
	c.extra(&e.Extra)
	if c.err != nil {
		return Element{}, c.err
	}
	w := s.write(ctx)
	if content == nil {
		if err := s.ownKey(ctx, e, w); err != nil {
			return Element{}, err
		}
		if err := s.port().ApplyElement(ctx, e, w); err != nil {
			return Element{}, err
		}
	} else if err := s.putContent(ctx, &e, content, w); err != nil {
		return Element{}, err
	}
	s.swept()
	stored, err := s.port().Element(ctx, Ref{ID: e.ID, ThreadID: e.ThreadID})
	if err != nil {
		return Element{}, err
	}
	s.sign(ctx, &stored)
	return stored, nil
}

// putContent stores bytes first and the row after them: a row never names
// bytes that are not there, and bytes whose row fails are taken away again. A
// note goes before the bytes: where this process ends before the row, the sweep
// finds it.
func (s *Service) putContent(ctx context.Context, e *Element, content io.Reader, w Write) error {
	if s.sweep == nil || s.opt.Files == nil {
		return errs.New(errs.Unsupported, "no place for bytes is configured here; store the element without content")
	}
	key, err := s.holdKey(ctx, *e, w)
	if err != nil {
		return err
	}
	defer s.sweep.release(key)
	if e.MIME == "" {
		e.MIME = "application/octet-stream"
	}
	if err := s.port().Expect(ctx, key, w); err != nil {
		return err
	}
	if _, err := s.opt.Files.Write(ctx, key, content, e.MIME); err != nil {
		s.unwritten(ctx, key)
		return err
	}
	e.ObjectKey = key
	if s.opt.ElementURL != nil {
		e.URL = s.opt.ElementURL(e.ThreadID, e.ID)
	}
	if err := s.port().ApplyElement(ctx, *e, w); err != nil {
		s.unwritten(ctx, key)
		return err
	}
	return nil
}

// unwritten takes away what an upload that failed may have left. The caller may
// have gone; the bytes must not stay for that. Where they do, the note stays
// too, and the sweep tries again.
func (s *Service) unwritten(ctx context.Context, key string) {
	ctx = context.WithoutCancel(ctx)
	err := s.opt.Files.Delete(ctx, key)
	if err == nil {
		err = s.port().Forget(ctx, []string{key})
	}
	if err != nil {
		s.opt.Log.Warn("bytes of a refused element stay behind for a while", "err", err)
	}
}

// ownKey refuses a user an element that names bytes which are here already and
// are not its own: by reading or deleting such an element, the bytes of another
// would be read or deleted. An application that acts for nobody may do so.
func (s *Service) ownKey(ctx context.Context, e Element, w Write) error {
	if w.Actor == "" || e.ObjectKey == "" || s.opt.Files == nil {
		return nil
	}
	if e.ObjectKey == objectKey("threads", e.ThreadID, "files", e.ID) { // as layers name what they store themselves
		return nil
	}
	old, err := s.port().Element(ctx, Ref{ID: e.ID, ThreadID: e.ThreadID})
	switch {
	case err == nil && old.ObjectKey == e.ObjectKey:
		return nil
	case err != nil && errs.KindOf(err) != errs.NotFound:
		return err
	}
	c, err := s.opt.Files.Open(ctx, e.ObjectKey)
	switch errs.KindOf(err) {
	case errs.NotFound, errs.Invalid: // in a storage of the application's own
		return nil
	}
	if err != nil {
		return err
	}
	c.Body.Close()
	return errs.Field(errs.Forbidden, "objectKey", "belongs to another element")
}

// holdKey chooses where new bytes go, and holds the key. Bytes are never written
// over: where there are some already, or some being written or deleted, the new
// ones get a key of their own. It refuses early what ApplyElement would refuse
// after an upload.
func (s *Service) holdKey(ctx context.Context, e Element, w Write) (string, error) {
	owner := "unknown"
	h, err := s.port().Head(ctx, e.ThreadID)
	switch {
	case err == nil && h.Deleted:
		return "", Deleted(e.ThreadID)
	case err == nil:
		if err := Allow(w.Actor, h.UserIdentifier, ""); err != nil {
			return "", err
		}
		if h.UserID != "" {
			owner = h.UserID
		}
	case errs.KindOf(err) != errs.NotFound:
		return "", err
	}
	if owner == "unknown" && w.Actor != "" { // the thread's owner may be on the way
		u, err := s.port().User(ctx, w.Actor)
		switch {
		case err == nil && u.ID != "":
			owner = u.ID
		case err != nil && errs.KindOf(err) != errs.NotFound:
			return "", err
		}
	}
	fresh := ""
	f := s.port().Features()
	ref := Ref{ID: e.ID}
	if f.NeedsThread { // an id is known in its thread only
		ref.ThreadID = e.ThreadID
	}
	old, err := s.port().Element(ctx, ref)
	switch {
	case err == nil && old.ThreadID != e.ThreadID:
		return "", ForeignElement(e.ID)
	case err == nil && old.ObjectKey != "":
		fresh = s.opt.NewID()
	case err != nil && errs.KindOf(err) != errs.NotFound:
		return "", err
	}
	key := contentKey(f, owner, fresh, e)
	for !s.sweep.hold(key) {
		key = contentKey(f, owner, s.opt.NewID(), e)
	}
	return key, nil
}

// contentKey is the key of an element's bytes: what the layer of Chainlit's
// would choose that the tables belong to, so that whoever knows its format finds
// them. Later bytes of the same element have a fresh part in their key, which
// stands before the element's: in a store with real folders no file is in the
// way.
func contentKey(f Features, owner, fresh string, e Element) string {
	switch {
	case f.ThreadFiles:
		return objectKey("threads", e.ThreadID, "files", fresh, e.ID)
	case f.NeedsThread:
		return objectKey(owner, e.ThreadID, fresh, e.ID)
	case fresh != "" && e.Name == "": // four parts, which no first bytes have
		return objectKey(owner, fresh, e.ID, "content")
	}
	return objectKey(owner, fresh, e.ID, e.Name)
}

func objectKey(parts ...string) string {
	var key []string
	for _, part := range parts {
		switch part {
		case "":
		case ".", "..": // would be folded away in a URL
			key = append(key, strings.ReplaceAll(part, ".", "%2E"))
		default:
			key = append(key, keyEscaper.Replace(part))
		}
	}
	return strings.Join(key, "/")
}

// keyEscaper keeps the parts of an object key apart, so that no choice of ids
// and names gives the key of another element.
var keyEscaper = strings.NewReplacer("%", "%25", "/", "%2F")

// ForeignElement is the error of a store for a write to an element that
// belongs to another thread.
func ForeignElement(id string) error {
	return errs.Field(errs.Conflict, "threadId", "element %q belongs to another thread", id)
}

// Element implements [API].
func (s *Service) Element(ctx context.Context, r Ref) (Element, error) {
	e, err := s.element(ctx, r)
	if err != nil {
		return Element{}, err
	}
	s.sign(ctx, &e)
	return e, nil
}

func (s *Service) element(ctx context.Context, r Ref) (Element, error) {
	if err := checkRef(r); err != nil {
		return Element{}, err
	}
	e, err := s.port().Element(ctx, r)
	if err != nil {
		return Element{}, err
	}
	return e, s.visibleThread(ctx, e.ThreadID, "id", r.ID)
}

// Content implements [API].
func (s *Service) Content(ctx context.Context, r Ref) (Content, error) {
	e, err := s.element(ctx, r)
	if err != nil {
		return Content{}, err
	}
	if e.ObjectKey == "" || s.opt.Files == nil {
		return Content{}, errs.Field(errs.NotFound, "id", "element %q has no stored bytes", r.ID)
	}
	c, err := s.opt.Files.Open(ctx, e.ObjectKey)
	if err != nil {
		return Content{}, err
	}
	c.Name, c.MIME = e.Name, e.MIME
	return c, nil
}

// DeleteElement implements [API].
func (s *Service) DeleteElement(ctx context.Context, r Ref) error {
	if err := checkRef(r); err != nil {
		return err
	}
	defer s.swept()
	return s.port().DeleteElement(ctx, r, s.write(ctx))
}

// sign gives an element with stored bytes a URL that can be fetched. Where
// that fails, one element keeps its stored address and the others are served.
func (s *Service) sign(ctx context.Context, e *Element) {
	if e.ObjectKey == "" || s.opt.Files == nil {
		return
	}
	url, err := s.opt.Files.SignedURL(ctx, e.ObjectKey, e.Name, e.MIME)
	if err != nil {
		s.opt.Log.Debug("element keeps its stored URL", "element", e.ID, "err", err)
		return
	}
	e.URL = url
}
