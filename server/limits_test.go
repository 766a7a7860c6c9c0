package server_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/chat/chattest"
	"github.com/varvedb/varve/client"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/server"
)

// endless gives zeros and counts them.
type endless struct{ given atomic.Int64 }

func (e *endless) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = ' '
	}
	e.given.Add(int64(len(b)))
	return len(b), nil
}

func TestABodyOf300MBIsRefusedUnread(t *testing.T) {
	b := start(t)
	const size = 300 << 20
	for _, c := range []struct {
		about  string
		length int64
		most   int64 // bytes that may leave the client: limit and buffers of the connection
	}{
		{"its length is known", size, 16 << 20},
		{"it comes in chunks", -1, 32<<20 + 16<<20},
	} {
		body := &endless{}
		req, err := http.NewRequestWithContext(t.Context(), "PUT", b.url+"/v1/steps/s", io.LimitReader(body, size))
		if err != nil {
			t.Fatal(err)
		}
		req.ContentLength = c.length
		req.Header.Set("Content-Type", "application/json")
		b.want(b.do(http.DefaultClient, req), 413, errs.TooLarge)
		if given := body.given.Load(); given > c.most {
			t.Errorf("%s: %d MB were taken", c.about, given>>20)
		}
	}
}

func TestATextOf10MBIsKept(t *testing.T) {
	b := start(t)
	c := b.client(b.url, client.Options{}).Chat()
	output := strings.Repeat("ü€😀\n", 10<<20/10)
	if _, err := c.PutStep(t.Context(), chat.Step{ID: "s", ThreadID: "t", Type: "assistant_message", Output: output}); err != nil {
		t.Fatal(err)
	}
	got, err := c.Step(t.Context(), chat.Ref{ID: "s"})
	if err != nil || got.Output != output {
		t.Errorf("%d of %d bytes came back, %v", len(got.Output), len(output), err)
	}
}

func TestABodyJustAtTheLimit(t *testing.T) {
	const limit = 200
	b := start(t, func(o *server.Options) { o.MaxBody = limit })
	body := func(n int) string {
		head, tail := `{"threadId":"t","type":"run","output":"`, `"}`
		return head + strings.Repeat("x", n-len(head)-len(tail)) + tail
	}
	if r := b.send("PUT", "/v1/steps/s", body(limit), asJSON); r.status != 200 {
		t.Errorf("at the limit: %d %s", r.status, r.body)
	}
	b.want(b.send("PUT", "/v1/steps/s", body(limit+1), asJSON), 413, errs.TooLarge)
}

// form is an upload in pieces; each is what one Write sends.
func form(element, content string) (contentType, body string) {
	var buf bytes.Buffer
	w := multipart.NewWriter(&buf)
	part, _ := w.CreateFormField("element")
	io.WriteString(part, element)
	part, _ = w.CreateFormFile("content", "content")
	io.WriteString(part, content)
	w.Close()
	return w.FormDataContentType(), buf.String()
}

func TestContentOverItsLimitStoresNothing(t *testing.T) {
	b := start(t, func(o *server.Options) { o.MaxContent = 1000 })
	for n, want := range map[int]int{1000: 200, 1001: 413, 100_000: 413} {
		contentType, body := form(`{"type":"file"}`, strings.Repeat("x", n))
		r := b.send("PUT", fmt.Sprintf("/v1/threads/t/elements/e%d", n), body, "Content-Type: "+contentType, "Varve-Client: test")
		if r.status != want {
			t.Errorf("%d bytes: %d %s", n, r.status, r.body)
		}
		if r := b.send("PUT", fmt.Sprintf("/v1/objects/o%d", n), strings.Repeat("x", n), "Varve-Client: test"); r.status != want {
			t.Errorf("an object of %d bytes: %d %s", n, r.status, r.body)
		}
	}
	if keys := b.files.Keys(); len(keys) != 2 {
		t.Errorf("stored: %v", keys)
	}
	b.want(b.send("GET", "/v1/threads/t/elements/e1001", ""), 404, errs.NotFound)
}

// A connection that breaks in the middle of an upload leaves nothing.
func TestAnUploadThatIsCutOffStoresNothing(t *testing.T) {
	b := start(t)
	contentType, body := form(`{"type":"file"}`, strings.Repeat("x", 100_000))
	for _, c := range []struct{ about, path, body, headers string }{
		{"an element in chunks", "/v1/threads/t/elements/e", body, "Transfer-Encoding: chunked\r\nContent-Type: " + contentType},
		{"an element of known length", "/v1/threads/t/elements/e", body, fmt.Sprintf("Content-Length: %d\r\nContent-Type: %s", len(body), contentType)},
		{"an object", "/v1/objects/o", body, fmt.Sprintf("Content-Length: %d", len(body))},
	} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(b.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		half := c.body[:len(c.body)/2]
		fmt.Fprintf(conn, "PUT %s HTTP/1.1\r\nHost: localhost\r\nVarve-Client: test\r\nConnection: close\r\n%s\r\n\r\n", c.path, c.headers)
		if strings.Contains(c.headers, "chunked") {
			fmt.Fprintf(conn, "%x\r\n%s\r\n", len(half), half)
		} else {
			io.WriteString(conn, half)
		}
		conn.(*net.TCPConn).CloseWrite()
		answer, err := io.ReadAll(conn) // until the server has made up its mind
		conn.Close()
		if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 400") {
			t.Errorf("%s: %q, %v", c.about, answer, err)
		}
	}
	if keys := b.files.Keys(); len(keys) != 0 {
		t.Errorf("stored: %v", keys)
	}
	b.want(b.send("GET", "/v1/threads/-/elements/e", ""), 404, errs.NotFound)
}

// waiting is files whose writer tells when the first bytes came.
type waiting struct {
	*chattest.Files
	first chan struct{}
}

func (w waiting) Write(ctx context.Context, key string, r io.Reader, mime string) (int64, error) {
	head := make([]byte, 1)
	if _, err := io.ReadFull(r, head); err != nil {
		return 0, err
	}
	close(w.first)
	return w.Files.Write(ctx, key, io.MultiReader(bytes.NewReader(head), r), mime)
}

// afterwards gives its second half only when told.
type afterwards struct {
	half []byte
	told chan struct{}
	step int
}

func (a *afterwards) Read(b []byte) (int, error) {
	switch a.step++; a.step {
	case 1:
		return copy(b, a.half), nil
	case 2:
		<-a.told
		return copy(b, a.half), nil
	}
	return 0, io.EOF
}

// The store has the first bytes before the caller gives the last: nothing on
// the way waits for the whole, neither the client nor the server.
func TestContentStreams(t *testing.T) {
	files := waiting{chattest.NewFiles(), make(chan struct{})}
	b := start(t, func(o *server.Options) { o.Databases[0].Chat = newService(t, files) })
	c := b.client(b.url, client.Options{}).Chat()
	content := &afterwards{half: []byte(strings.Repeat("x", 20_000)), told: files.first}
	if _, err := c.PutElement(t.Context(), chat.Element{ID: "e", ThreadID: "t", Type: "file"}, content); err != nil {
		t.Fatal(err)
	}
	got, err := c.Content(t.Context(), chat.Ref{ID: "e"})
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	if n, err := io.Copy(io.Discard, got.Body); n != 40_000 || err != nil || got.Size != 40_000 {
		t.Errorf("%d bytes of %d, %v", n, got.Size, err)
	}
}

func TestOnlySafeTypesAreShown(t *testing.T) {
	b := start(t)
	for _, c := range []struct{ mime, disposition, contentType, policy string }{
		{"image/png", "inline", "image/png", "default-src 'none'"},
		{"IMAGE/JPEG", "inline", "image/jpeg", "default-src 'none'"},
		{"audio/mpeg", "inline", "audio/mpeg", "default-src 'none'"},
		{"video/mp4", "inline", "video/mp4", "default-src 'none'"},
		{"application/pdf", "inline", "application/pdf", ""},
		{"text/plain", "inline", "text/plain; charset=utf-8", "default-src 'none'"},
		{"text/plain; charset=latin1", "inline", "text/plain; charset=latin1", "default-src 'none'"},
		{"image/svg+xml", "attachment", "image/svg+xml", "sandbox"},
		{"image/SVG+XML; x=y", "attachment", "image/svg+xml; x=y", "sandbox"},
		{"text/html", "attachment", "text/html", "sandbox"},
		{"application/xhtml+xml", "attachment", "application/xhtml+xml", "sandbox"},
		{"text/xml", "attachment", "text/xml", "sandbox"},
		{"application/javascript", "attachment", "application/javascript", "sandbox"},
		{"application/json", "attachment", "application/json", "sandbox"},
		{"nonsense", "attachment", "application/octet-stream", "sandbox"},
		{"image/png\r\nX-Evil: 1", "attachment", "application/octet-stream", "sandbox"},
		{"multipart/x-mixed-replace; boundary=x", "attachment", "multipart/x-mixed-replace; boundary=x", "sandbox"},
	} {
		svc := b.client(b.url, client.Options{}).Chat()
		e := chat.Element{ID: fmt.Sprintf("%x", c.mime), ThreadID: "t", Type: "file", Name: "n", MIME: c.mime}
		e, err := svc.PutElement(t.Context(), e, strings.NewReader("<script>alert(1)</script>"))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{"/v1/threads/t/elements/" + e.ID + "/content", strings.TrimPrefix(e.URL, b.url)} {
			r := b.send("GET", path, "")
			disposition, _, _ := strings.Cut(r.header.Get("Content-Disposition"), ";")
			policy := r.header.Get("Content-Security-Policy")
			if r.status != 200 || disposition != c.disposition || r.header.Get("Content-Type") != c.contentType ||
				r.header.Get("X-Content-Type-Options") != "nosniff" || r.header.Get("X-Evil") != "" ||
				!strings.HasPrefix(policy, c.policy) || (c.policy == "") != (policy == "") {
				t.Errorf("%q at %s: %d %v", c.mime, path, r.status, r.header)
			}
		}
	}
}

func TestSignedURLs(t *testing.T) {
	b := start(t)
	c := b.client(b.url, client.Options{}).Chat()
	e, err := c.PutElement(t.Context(), chat.Element{ID: "e", ThreadID: "t", Type: "file", Name: "a b.txt", MIME: "text/html"}, strings.NewReader("x"))
	if err != nil || !strings.HasPrefix(e.URL, b.url+"/v1/objects/") {
		t.Fatalf("%q, %v", e.URL, err)
	}
	link := strings.TrimPrefix(e.URL, b.url)
	other := func(old, changed string) string {
		s := strings.Replace(link, old, changed, 1)
		if s == link {
			t.Fatalf("%q is not in %s", old, link)
		}
		return s
	}
	// An image in a page of another origin, by a name the guard would refuse.
	if r := b.send("GET", link, "", "Origin: https://app.example", "Host: chat.example"); r.status != 200 || r.header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("%d %v", r.status, r.header)
	}
	for _, wrong := range []string{other("signature=", "signature=0"), other("text%2Fhtml", "text%2Fplain"), other("a+b.txt", "c.txt"),
		other("expires=", "expires=9"), other("%2Fe%2F", "%2Ff%2F")} {
		b.want(b.send("GET", wrong, "", "Origin: https://app.example"), 403, errs.Forbidden)
	}
	// A signature opens one object for reading, and nothing else.
	_, query, _ := strings.Cut(link, "?")
	b.want(b.send("DELETE", link, "", "Origin: https://app.example"), 403, errs.Forbidden)
	b.want(b.send("GET", "/v1/threads?"+query, "", "Origin: https://app.example"), 403, errs.Forbidden)
	b.clock.advance(2 * 3600e9)
	b.want(b.send("GET", link, ""), 403, errs.Forbidden)
}

func TestAPublicURLMakesURLsAbsolute(t *testing.T) {
	b := start(t, func(o *server.Options) { o.PublicURL = "https://chat.example/varve/" })
	c := b.client(b.url, client.Options{}).Chat()
	e, err := c.PutElement(t.Context(), chat.Element{ID: "e", ThreadID: "t", Type: "file"}, strings.NewReader("x"))
	if err != nil || !strings.HasPrefix(e.URL, "https://chat.example/varve/v1/objects/") {
		t.Errorf("put: %q, %v", e.URL, err)
	}
	thread, err := c.Thread(t.Context(), "t")
	if err != nil || !strings.HasPrefix(thread.Elements[0].URL, "https://chat.example/varve/v1/objects/") {
		t.Errorf("thread: %+v, %v", thread.Elements, err)
	}
}
