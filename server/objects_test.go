package server

import (
	"io"
	"strings"
	"testing"

	"github.com/varvedb/varve/chat"
)

func TestAnObjectWithoutATypeIsWhatItsKeyOrItsBytesSay(t *testing.T) {
	const png = "\x89PNG\x0D\x0A\x1A\x0A"
	for _, test := range []struct{ key, mime, bytes, want string }{
		{"user/element/a.png", "image/webp", "", "image/webp"},
		{"user/element/a.png", "", "<html>", "image/png"},
		{"threads/t/files/e", "", png, "image/png"},
		{"threads/t/files/e", "", "plain words", "text/plain; charset=utf-8"},
		{"threads/t/files/e", "", "", "text/plain; charset=utf-8"},
	} {
		content := chat.Content{MIME: test.mime, Body: io.NopCloser(strings.NewReader(test.bytes))}
		if got := mediaTypeOf(test.key, content); got != test.want {
			t.Errorf("%s %q %q: %q, want %q", test.key, test.mime, test.bytes, got, test.want)
		}
	}
}
