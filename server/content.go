package server

import (
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/varvedb/varve/blob/media"
	"github.com/varvedb/varve/chat"
)

// send answers with stored bytes, or ranges of them where the store can seek.
// They were written by anybody, and are read in a browser on this origin: only
// types that run nothing are shown, the rest is downloaded, in a sandbox.
func (s *Server) send(c *call, content chat.Content) error {
	h := c.Header()
	mediaType, shown := media.Safe(content.MIME)
	h.Set("Content-Type", mediaType)
	h.Set("Content-Disposition", media.Disposition(shown, content.Name))
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

// absolute completes the URL of an element that is relative to this server,
// where the server knows how it is reached.
func (s *Server) absolute(e *chat.Element) {
	if s.opt.PublicURL != "" && strings.HasPrefix(e.URL, "/v1/") {
		e.URL = s.opt.PublicURL + e.URL
	}
}
