package media

import (
	"strings"
	"testing"
)

func TestWhatABrowserMayShow(t *testing.T) {
	for given, want := range map[string]string{
		"image/png":                 "image/png shown",
		"IMAGE/PNG; x=y":            "image/png shown",
		"text/plain":                "text/plain; charset=utf-8 shown",
		"application/pdf":           "application/pdf shown",
		"image/svg+xml":             "image/svg+xml",
		"IMAGE/SVG+XML;":            "image/svg+xml",
		"image/x-svg+xml":           "image/x-svg+xml",
		"video/vnd.whatever+xml":    "video/vnd.whatever+xml",
		"text/html":                 "text/html",
		"text/html;x":               "application/octet-stream",
		"image":                     "application/octet-stream",
		"multipart/x-mixed-replace": "multipart/x-mixed-replace",
	} {
		got, shown := Safe(given)
		if shown {
			got += " shown"
		}
		if got != want {
			t.Errorf("%s: %s, want %s", given, got, want)
		}
	}
}

// FuzzDisposition holds the header to be one line that reads back.
func FuzzDisposition(f *testing.F) {
	for _, seed := range []string{"", "a.txt", `a"b\c.txt`, "grüße.pdf", "a\r\nX: y", "../../etc/passwd", "100%.txt", "a;b=c", "\xff", "\u202e.exe", strings.Repeat("ü", 300)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		value := Disposition(false, name)
		for _, b := range []byte(value) {
			if b < 0x20 || b > 0x7E {
				t.Fatalf("%q holds byte %d", value, b)
			}
		}
		if !strings.HasPrefix(value, "attachment") {
			t.Fatalf("%q", value)
		}
		want := fileName(name)
		if strings.ContainsAny(want, "/\\\r\n\x00") {
			t.Fatalf("the name %q is none", want)
		}
		got := Name(value)
		if got != want {
			t.Fatalf("%q reads back as %q, want %q", value, got, want)
		}
	})
}
