package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"strings"
	"sync"

	"github.com/varvedb/varve/errs"
)

// buffers are reused for bodies, which decoding copies out of.
type buffers struct{ pool sync.Pool }

const keepBuffer = 1 << 20 // a rare large body does not stay in memory

func (b *buffers) get() *bytes.Buffer {
	if buf, ok := b.pool.Get().(*bytes.Buffer); ok {
		return buf
	}
	return new(bytes.Buffer)
}

func (b *buffers) put(buf *bytes.Buffer) {
	if buf.Cap() <= keepBuffer {
		buf.Reset()
		b.pool.Put(buf)
	}
}

// body decodes the JSON body of a call into v.
func (s *Server) body(c *call, v any) error {
	if c.r.ContentLength > s.opt.MaxBody {
		return tooLarge("the body", s.opt.MaxBody)
	}
	return s.decode(c, c.r.Body, v)
}

// decode reads JSON to its end, no further than MaxBody, and decodes it into
// v. What decoding would change in silence becomes a warning of the call.
func (s *Server) decode(c *call, r io.Reader, v any) error {
	buf := s.buffers.get()
	defer s.buffers.put(buf)
	if err := s.fill(buf, r); err != nil {
		return err
	}
	if len(bytes.TrimSpace(buf.Bytes())) == 0 {
		return errs.New(errs.Invalid, "a JSON body is needed")
	}
	mended, err := scan(buf.Bytes())
	if err != nil {
		return err
	}
	if err := unmarshal(buf.Bytes(), v); err != nil {
		return err
	}
	for _, field := range mended {
		// The same words as the service has for NUL, so that nobody is told twice.
		c.warn(field + ": NUL or text that is not valid Unicode became U+FFFD")
	}
	return nil
}

// read reads the body of a call that is no JSON.
func (s *Server) read(c *call, buf *bytes.Buffer) error {
	if c.r.ContentLength > s.opt.MaxBody {
		return tooLarge("the body", s.opt.MaxBody)
	}
	return s.fill(buf, c.r.Body)
}

// fill reads to the end, no further than MaxBody.
func (s *Server) fill(buf *bytes.Buffer, r io.Reader) error {
	n, err := buf.ReadFrom(io.LimitReader(r, s.opt.MaxBody+1))
	if n > s.opt.MaxBody {
		return tooLarge("the body", s.opt.MaxBody)
	}
	if err != nil {
		return unread(err)
	}
	return nil
}

// unmarshal decodes without ever quoting the input in an error.
func unmarshal(raw []byte, v any) error {
	var err error
	if noun, ok := v.(json.Unmarshaler); ok {
		err = noun.UnmarshalJSON(raw) // it checks, which need not be done twice
	} else {
		err = json.Unmarshal(raw, v)
	}
	var ours *errs.Error
	var wrong *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &ours):
		return err
	case errors.As(err, &wrong):
		kind, _, _ := strings.Cut(wrong.Value, " ") // "number 12345" quotes it
		return errs.Field(errs.Invalid, wrong.Field, "has the wrong type: %s", kind)
	}
	return errs.New(errs.Invalid, "the body is not valid JSON")
}

func tooLarge(what string, limit int64) error {
	return errs.New(errs.TooLarge, "%s is larger than %d bytes", what, limit)
}

// unread is the error for a body that could not be read to its end.
func unread(err error) error {
	return errs.Wrap(errs.Invalid, err, "the body ends early or cannot be read")
}

// isJSON tells whether a media type is JSON.
func isJSON(contentType string) bool {
	t, _, err := mime.ParseMediaType(contentType)
	return err == nil && (t == "application/json" || strings.HasPrefix(t, "application/") && strings.HasSuffix(t, "+json"))
}
