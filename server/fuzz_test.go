package server

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/store/memory"
)

// FuzzScan holds scan to what encoding/json finds in the same text.
func FuzzScan(f *testing.F) {
	for _, seed := range []string{`{}`, `{"a":"\ud800"}`, `{"a":"\ud83d\ude00","b":["\udc00\ud800"]}`, "{\"a\":\"\xff\"}", `{"\ud800":1}`,
		`{"a":"\\ud800"}`, `{"a":"\\\ud800"}`, `{"a":"x\"\ud800"}`, `"\ud800`, `{"a":{"b":"\uDBFF"},"c":1}`, `\`, `"\`, `"\u`, `"\ud800\u12`,
		strings.Repeat("[", 200), strings.Repeat(`{"a":`, 103) + "1" + strings.Repeat("}", 103)} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		mended, err := scan(raw) // must not panic on anything
		var v any
		if json.Unmarshal(raw, &v) != nil {
			return
		}
		if deep := levels(v) > maxBrackets; deep != (err != nil) {
			t.Fatalf("%d levels, error %v", levels(v), err)
		}
		if err != nil {
			if errs.KindOf(err) != errs.Invalid {
				t.Fatal(err)
			}
			return
		}
		// Without literal and escaped U+FFFD, all in the result is mended.
		if bytes.Contains(raw, []byte("\uFFFD")) || bytes.Contains(bytes.ToLower(raw), []byte(`\ufffd`)) {
			return
		}
		if found := replaced(v); found != (len(mended) > 0) {
			t.Fatalf("mended %q, found: %v", mended, found)
		}
	})
}

func levels(v any) int {
	deepest := 0
	switch v := v.(type) {
	case map[string]any:
		for _, item := range v {
			deepest = max(deepest, levels(item))
		}
	case []any:
		for _, item := range v {
			deepest = max(deepest, levels(item))
		}
	default:
		return 0
	}
	return deepest + 1
}

func replaced(v any) bool {
	switch v := v.(type) {
	case string:
		return strings.ContainsRune(v, utf8.RuneError)
	case map[string]any:
		for key, item := range v {
			if strings.ContainsRune(key, utf8.RuneError) || replaced(item) {
				return true
			}
		}
	case []any:
		for _, item := range v {
			if replaced(item) {
				return true
			}
		}
	}
	return false
}

// Every pair of UTF-16 units that is broken is found, and no other.
func TestBrokenSurrogates(t *testing.T) {
	units := []uint16{'a', 0xD7FF, 0xD800, 0xDBFF, 0xDC00, 0xDFFF, 0xE000, 0xFFFF}
	for _, a := range units {
		for _, b := range units {
			for _, c := range units {
				text := fmt.Sprintf(`\u%04x\u%04X\u%04x`, a, b, c)
				want := false
				for _, r := range utf16.Decode([]uint16{a, b, c}) {
					want = want || r == utf8.RuneError
				}
				if got := broken([]byte(text)); got != want {
					t.Errorf("%s: %v, want %v", text, got, want)
				}
			}
		}
	}
}

func TestTheFieldIsNamed(t *testing.T) {
	for text, want := range map[string]string{
		`{"a":1,"output":"\ud800","b":2}`:              "[output]",
		`{"metadata":{"x":["\ud800"],"y":1},"z":""}`:   "[metadata]",
		`{ "a" : "\ud800" , "b" : {"c":"\udc00"} }`:    "[a b]",
		`{"a":"\ud800","b":"","a":"\ud800"}`:           "[a]",
		`{"` + strings.Repeat("k", 99) + `":"\ud800"}`: "[a key]",
	} {
		mended, err := scan([]byte(text))
		if got := fmt.Sprint(mended); got != want || err != nil {
			t.Errorf("%s: %s, want %s, %v", text, got, want, err)
		}
	}
	_, err := scan([]byte(`{"metadata":{"list":[0,{"x":1},{"y":` + strings.Repeat("[", 100)))
	if err == nil || !strings.HasPrefix(err.Error(), "metadata.list[2].y[0]") {
		t.Errorf("the path: %v", err)
	}
}

// harness is a server without a connection, on loopback.
func harness(tb testing.TB) http.Handler {
	svc := chat.NewService(memory.Open().Chat(), chat.Options{})
	tb.Cleanup(func() { svc.Close() })
	s, err := New(Options{Databases: []Database{{Name: DefaultDatabase, Chat: svc}}})
	if err != nil {
		tb.Fatal(err)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := context.WithValue(r.Context(), http.LocalAddrContextKey, net.Addr(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}))
		s.Handler().ServeHTTP(w, r.WithContext(ctx))
	})
}

// sane checks what holds for every answer: never a fault, and an error is a
// problem of a known kind.
func sane(t *testing.T, w *httptest.ResponseRecorder) {
	t.Helper()
	if w.Code >= 500 && w.Code != http.StatusNotImplemented {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if w.Code >= 300 && w.Code < 400 {
		return // the router tidies a path
	}
	if w.Code >= 400 {
		var p struct{ Kind errs.Kind }
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || p.Kind == "" || w.Header().Get("Content-Type") != "application/problem+json" {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		return
	}
	if w.Code != http.StatusNoContent && !json.Valid(w.Body.Bytes()) {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
}

// FuzzBody sends anything as the body of every call that takes JSON.
func FuzzBody(f *testing.F) {
	for _, seed := range []string{`{}`, `null`, `[]`, ``, `{"threadId":"t","output":"\ud800","metadata":{"n":1e999}}`, `{"forId":"s","value":1}`,
		`{"name":7}`, `{"metadata":{"a":null},"tags":[null,1]}`, `{"page":1.5,"props":[]}`, `{"threadId":"` + strings.Repeat("x", 2000) + `"}`, "{\"a\":\"\x00\"}"} {
		f.Add([]byte(seed), "s")
	}
	h := harness(f)
	f.Fuzz(func(t *testing.T, body []byte, id string) {
		id = strings.ReplaceAll(fmt.Sprintf("%x", id), " ", "") + "x"
		for _, call := range []string{"PUT /v1/steps/", "PATCH /v1/threads/", "PUT /v1/users/", "PUT /v1/threads/t/elements/", "PUT /v1/feedback?"} {
			method, path, _ := strings.Cut(call, " ")
			r := httptest.NewRequest(method, "http://localhost"+path+id, bytes.NewReader(body))
			r.Header.Set("Content-Type", "application/json")
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			sane(t, w)
		}
	})
}

// FuzzQuery sends anything as a query and as an acting user.
func FuzzQuery(f *testing.F) {
	f.Add("userId=u&search=a%25&feedback=0&first=10&cursor=x", "ada")
	f.Add("first=99999999999999999999", "%")
	f.Add("feedback=-1&raw=maybe&first=-5", "%00")
	f.Add("search=%ff&cursor=v1.AAAA", "%ff")
	f.Add("a=b;c=d&&=&%", "a b")
	h := harness(f)
	f.Fuzz(func(t *testing.T, query, user string) {
		for _, path := range []string{"/v1/threads", "/v1/threads/t", "/v1/steps/s", "/v1/favorites", "/v1/objects/k", "/v1/threads/-/elements/e"} {
			r := httptest.NewRequest("GET", "http://localhost"+path, nil)
			r.URL.RawQuery = query
			r.Header["Varve-User"] = []string{user}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			sane(t, w)
		}
	})
}

// FuzzPath sends any path.
func FuzzPath(f *testing.F) {
	for _, seed := range []string{"/v1/threads/a%2Fb", "/v1/threads//author", "/v1/../v1/threads/x", "/v1/steps/%00", "/v1/users/%ff", "/v1/objects/a//b", "/v1/threads/%2E%2E"} {
		f.Add("GET", seed)
	}
	h := harness(f)
	f.Fuzz(func(t *testing.T, method, path string) {
		r, err := http.NewRequest(method, "http://localhost/", nil)
		if err != nil {
			return
		}
		if r.URL, err = r.URL.Parse("http://localhost/" + strings.TrimPrefix(path, "/")); err != nil || r.URL.Host != "localhost" {
			return
		}
		if r.URL.Path == "/metrics" {
			return
		}
		r.Host, r.Body = "localhost", http.NoBody
		r.Header.Set("Varve-Client", "fuzz")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if method != http.MethodHead {
			sane(t, w)
		}
	})
}
