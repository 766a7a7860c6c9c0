package server

import (
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/varvedb/varve/chat"
)

// send answers with stored bytes, or ranges of them where the store can seek.
// They were written by anybody, and are read in a browser on this origin: only
// types that run nothing are shown, the rest is downloaded, in a sandbox.
func (s *Server) send(c *call, content chat.Content) error {
	h := c.Header()
	mediaType, shown := safeType(content.MIME)
	disposition := "attachment"
	if shown {
		disposition = "inline"
	}
	h.Set("Content-Type", mediaType)
	h.Set("Content-Disposition", contentDisposition(disposition, content.Name))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "private, max-age=0, must-revalidate")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	if policy := contentPolicy(mediaType, shown); policy != "" {
		h.Set("Content-Security-Policy", policy)
	}
	if seeker, ok := content.Body.(io.ReadSeeker); ok {
		http.ServeContent(c, c.r, "", content.ModTime, seeker)
		return nil
	}
	h.Set("Accept-Ranges", "none")
	if content.Size >= 0 {
		h.Set("Content-Length", strconv.FormatInt(content.Size, 10))
	}
	c.WriteHeader(http.StatusOK)
	if c.r.Method == http.MethodHead {
		return nil
	}
	if _, err := io.Copy(c, content.Body); err != nil {
		c.failure = err
		panic(http.ErrAbortHandler) // a short answer must not look like a whole one
	}
	return nil
}

// safeType returns the type to answer with, and whether a browser may show it:
// images but SVG (which carries scripts), audio, video, PDF and plain text.
func safeType(mediaType string) (string, bool) {
	t, params, err := mime.ParseMediaType(mediaType)
	if err != nil || !strings.Contains(t, "/") {
		return "application/octet-stream", false
	}
	switch {
	case t == "image/svg+xml":
	case strings.HasPrefix(t, "image/"), strings.HasPrefix(t, "audio/"), strings.HasPrefix(t, "video/"), t == "application/pdf":
		return t, true
	case t == "text/plain":
		charset := params["charset"]
		if charset == "" {
			charset = "utf-8"
		}
		return mime.FormatMediaType(t, map[string]string{"charset": charset}), true
	}
	if formatted := mime.FormatMediaType(t, params); formatted != "" {
		return formatted, false
	}
	return "application/octet-stream", false
}

// contentPolicy shuts in what is not shown. PDF viewers of browsers do not
// work inside a sandbox and bring their own.
func contentPolicy(mediaType string, shown bool) string {
	switch {
	case !shown:
		return "sandbox; default-src 'none'"
	case mediaType == "application/pdf":
		return ""
	}
	return "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'"
}

// contentDisposition is the header of RFC 6266: a fallback that every reader
// understands, and the name as it is in the encoding of RFC 8187.
func contentDisposition(disposition, name string) string {
	name = fileName(name)
	if name == "" {
		return disposition
	}
	var plain, encoded strings.Builder
	for _, r := range name {
		switch {
		case r >= 0x20 && r < 0x7F && r != '"' && r != '\\' && r != '%':
			plain.WriteRune(r)
		default:
			plain.WriteByte('_')
		}
	}
	for _, b := range []byte(name) {
		if strings.IndexByte("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$&+-.^_`|~", b) >= 0 {
			encoded.WriteByte(b)
		} else {
			fmt.Fprintf(&encoded, "%%%02X", b)
		}
	}
	value := fmt.Sprintf(`%s; filename="%s"`, disposition, plain.String())
	if encoded.String() != plain.String() {
		value += "; filename*=UTF-8''" + encoded.String()
	}
	return value
}

// fileName takes from a name what would name another folder or end a header.
func fileName(name string) string {
	name = strings.ToValidUTF8(name, string(utf8.RuneError))
	return strings.Map(func(r rune) rune {
		switch {
		case r == '/' || r == '\\':
			return '_'
		case r < 0x20 || r == 0x7F:
			return -1
		}
		return r
	}, name)
}

// absolute completes the URL of an element that is relative to this server,
// where the server knows how it is reached.
func (s *Server) absolute(e *chat.Element) {
	if s.opt.PublicURL != "" && strings.HasPrefix(e.URL, "/v1/") {
		e.URL = s.opt.PublicURL + e.URL
	}
}
