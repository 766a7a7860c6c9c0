package server_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// story is one file of testdata/wire; its README says what it means.
type story struct {
	About     string
	Exchanges []struct {
		Request struct {
			Method, Path string
			Headers      map[string]string
			Body         json.RawMessage
			Text         *string
		}
		Response struct {
			Status  int
			Headers map[string]string
			Body    json.RawMessage
			Text    *string
		}
	}
}

func TestWire(t *testing.T) {
	doc := document(t)
	files, err := filepath.Glob("testdata/wire/*.json")
	if err != nil || len(files) < 8 {
		t.Fatalf("stories: %v, %v", files, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var s story
			if err := strict(raw, &s); err != nil {
				t.Fatal(err)
			}
			play(t, start(t), doc, s)
		})
	}
}

func play(t *testing.T, b *bench, doc *openAPI, s story) {
	remembered := map[string]string{}
	for i, x := range s.Exchanges {
		body, headers := string(x.Request.Body), []string{}
		if x.Request.Text != nil {
			body = *x.Request.Text
		}
		if x.Request.Text == nil {
			headers = append(headers, asJSON)
		} else if x.Request.Headers["Content-Type"] != "application/json" {
			headers = append(headers, "Varve-Client: wire")
		}
		for name, value := range x.Request.Headers {
			headers = append(headers, name+": "+value)
		}
		path := fill(x.Request.Path, remembered)
		got := b.send(x.Request.Method, path, fill(body, remembered), headers...)
		at := fmt.Sprintf("%d: %s %s", i, x.Request.Method, path)
		if got.status != x.Response.Status {
			t.Fatalf("%s: status %d, want %d: %s", at, got.status, x.Response.Status, got.body)
		}
		for name, want := range x.Response.Headers {
			if value := got.header.Get(name); value != want {
				t.Errorf("%s: %s: %q, want %q", at, name, value, want)
			}
		}
		if x.Response.Text != nil && got.body != *x.Response.Text {
			t.Errorf("%s: %q, want %q", at, got.body, *x.Response.Text)
		}
		if x.Response.Body != nil {
			same(t, at, []byte(got.body), []byte(fill(string(x.Response.Body), remembered)), remembered)
		}
		doc.check(t, at, x.Request.Method, got)
	}
}

// fill puts in what was remembered.
func fill(s string, remembered map[string]string) string {
	for name, value := range remembered {
		s = strings.ReplaceAll(s, "{"+name+"}", value)
	}
	return s
}

// same compares JSON, with stand-ins in what is wanted.
func same(t *testing.T, at string, got, want []byte, remembered map[string]string) {
	t.Helper()
	var g, w any
	if err := digits(got, &g); err != nil {
		t.Fatalf("%s: %v in %s", at, err, got)
	}
	if err := digits(want, &w); err != nil {
		t.Fatalf("%s: the story: %v", at, err)
	}
	if where := differs(g, w, "", remembered); where != "" {
		t.Fatalf("%s: differs at %s\n got %s\nwant %s", at, where, got, want)
	}
}

// digits decodes JSON and keeps its numbers as they are written.
func digits(raw []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	return d.Decode(v)
}

func strict(raw []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	return d.Decode(v)
}

// differs names the first place where two values differ.
func differs(got, want any, at string, remembered map[string]string) string {
	switch want := want.(type) {
	case string:
		if standIn(want) {
			return matches(got, want, at, remembered)
		}
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok || len(g) != len(want) {
			return at + " (keys)"
		}
		keys := make([]string, 0, len(want))
		for key := range want {
			keys = append(keys, key)
		}
		slices.Sort(keys)
		for _, key := range keys {
			value, ok := g[key]
			if !ok {
				return at + "." + key
			}
			if where := differs(value, want[key], at+"."+key, remembered); where != "" {
				return where
			}
		}
		return ""
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(want) {
			return at + " (length)"
		}
		for i := range want {
			if where := differs(g[i], want[i], fmt.Sprintf("%s[%d]", at, i), remembered); where != "" {
				return where
			}
		}
		return ""
	}
	if got != want {
		return at
	}
	return ""
}

var (
	standIns = regexp.MustCompile(`^<(\w+=)?(any|id|time|url)>$`)
	times    = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$`)
)

func standIn(s string) bool { return standIns.MatchString(s) }

func matches(got any, want, at string, remembered map[string]string) string {
	m := standIns.FindStringSubmatch(want)
	text, _ := got.(string)
	ok := map[string]bool{"any": true, "id": text != "", "time": times.MatchString(text),
		"url": strings.HasPrefix(text, "/v1/objects/") && strings.Contains(text, "signature=")}[m[2]]
	if !ok {
		return at + " (" + m[2] + ")"
	}
	if m[1] != "" {
		remembered[strings.TrimSuffix(m[1], "=")] = text
	}
	return ""
}
