package server_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/server"
)

var update = flag.Bool("update", false, "write the golden files anew")

// openAPI is the document that the server makes, to hold answers to.
type openAPI struct{ doc *openapi3.T }

func document(t testing.TB) *openAPI {
	t.Helper()
	text, err := newServer(t).OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		t.Fatal(err)
	}
	return &openAPI{doc}
}

func newServer(t testing.TB) *server.Server {
	t.Helper()
	s, err := server.New(server.Options{Version: "golden", Databases: []server.Database{{Name: "default", Chat: &chat.Service{}}}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestOpenAPIIsValid(t *testing.T) {
	d := document(t)
	if err := d.doc.Validate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(d.doc.OpenAPI, "3.1") {
		t.Errorf("version %s", d.doc.OpenAPI)
	}
}

func TestOpenAPIIsTheGoldenOne(t *testing.T) {
	const file = "testdata/openapi.json"
	got, err := newServer(t).OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("the document changed; if that is meant: go test ./server -run OpenAPI -update")
	}
}

// TestOpenAPIIsServed also holds every documented operation to be routed: the
// router's own 404 and 405 have their own words.
func TestOpenAPIIsServed(t *testing.T) {
	b := start(t)
	if r := b.send("GET", "/openapi.json", ""); r.status != 200 || !json.Valid([]byte(r.body)) {
		t.Fatalf("%d %s", r.status, r.body)
	}
	n := 0
	for path, item := range document(t).doc.Paths.Map() {
		for method := range item.Operations() {
			n++
			r := b.send(method, regexp.MustCompile(`\{\w+\}`).ReplaceAllString(path, "x"), "{}", asJSON)
			if r.status == 405 || strings.Contains(r.body, "no such route") {
				t.Errorf("%s %s is documented and not served: %s", method, path, r.body)
			}
		}
	}
	if n < 20 {
		t.Errorf("only %d operations", n)
	}
}

// TestDocsNameEveryCall holds docs/http.md to the document.
func TestDocsNameEveryCall(t *testing.T) {
	raw, err := os.ReadFile("../docs/http.md")
	if err != nil {
		t.Fatal(err)
	}
	blank := regexp.MustCompile(`\{\w+\}`)
	docs := blank.ReplaceAllString(string(raw), "{}")
	for path, item := range document(t).doc.Paths.Map() {
		for method := range item.Operations() {
			call := method + " " + blank.ReplaceAllString(path, "{}")
			if !regexp.MustCompile(regexp.QuoteMeta(call) + "[?`]").MatchString(docs) {
				t.Errorf("docs/http.md does not name %s", call)
			}
		}
	}
}

// check holds an answer to the document's schema for it.
func (d *openAPI) check(t *testing.T, at, method string, r reply) {
	t.Helper()
	mediaType, _, _ := strings.Cut(r.header.Get("Content-Type"), ";")
	if !strings.HasSuffix(mediaType, "json") || method == "HEAD" {
		return
	}
	op := d.operation(at, method)
	if op == nil {
		return // the router's answer to what there is not
	}
	response := op.Responses.Value(strconv.Itoa(r.status))
	if response == nil {
		response = op.Responses.Default()
	}
	content := response.Value.Content[mediaType]
	if content == nil {
		t.Errorf("%s: the document does not know %s with status %d", at, mediaType, r.status)
		return
	}
	var v any
	if err := json.Unmarshal([]byte(r.body), &v); err != nil {
		t.Errorf("%s: %v", at, err)
		return
	}
	if err := content.Schema.Value.VisitJSON(v, openapi3.EnableJSONSchema2020(), openapi3.MultiErrors()); err != nil {
		t.Errorf("%s: the answer is not what the document says: %v", at, err)
	}
}

// operation finds the operation of a "N: METHOD /path?query".
func (d *openAPI) operation(at, method string) *openapi3.Operation {
	_, path, _ := strings.Cut(at, " /")
	path, _, _ = strings.Cut("/"+path, "?")
	if strings.HasPrefix(path, "/v1/objects/") {
		path = "/v1/objects/key"
	}
	segments := strings.Split(path, "/")
	paths := d.doc.Paths.Keys()
	slices.Sort(paths)
	for _, template := range paths {
		parts := strings.Split(template, "/")
		if len(parts) != len(segments) {
			continue
		}
		fits := true
		for i := range parts {
			fits = fits && (parts[i] == segments[i] || strings.HasPrefix(parts[i], "{"))
		}
		if fits {
			return d.doc.Paths.Value(template).GetOperation(method)
		}
	}
	return nil
}
