package main

import (
	"strings"
	"testing"
)

func TestAnnouncement(t *testing.T) {
	own := announcedDatabase{Name: "default", URL: "sqlite:d/varve.db"}
	foreign := announcedDatabase{Name: "work", URL: "postgres://me:xxxxx@h/db", Missing: []string{"fast lists", "change log"}}
	for _, test := range []struct {
		name string
		a    announcement
		want string
	}{
		{"open on loopback", announcement{Version: "v1", Listen: []string{"http://127.0.0.1:8484", "unix:d/varve.sock"}, Open: true, Databases: []announcedDatabase{own}},
			`varve v1 answers on http://127.0.0.1:8484 and unix:d/varve.sock
open: loopback, no keys: anyone on this machine may call (` + "`varve keys create`" + ` closes it)
database default: sqlite:d/varve.db
`},
		{"a socket alone", announcement{Version: "v1", Listen: []string{"unix:d/varve.sock"}, Open: true, Databases: []announcedDatabase{own}},
			`varve v1 answers on unix:d/varve.sock
open: the socket is this user's only
database default: sqlite:d/varve.db
`},
		{"keys, and a database others made", announcement{Version: "v1", Listen: []string{"http://0.0.0.0:1"}, Databases: []announcedDatabase{own, foreign}},
			`varve v1 answers on http://0.0.0.0:1
closed: callers on TCP need an API key
database default: sqlite:d/varve.db
database work: postgres://me:xxxxx@h/db
database work is without fast lists, change log: see ` + "`varve doctor --database work`" + `
`},
	} {
		t.Run(test.name, func(t *testing.T) {
			var b strings.Builder
			if err := test.a.print(&b); err != nil || b.String() != test.want {
				t.Errorf("%v\ngot\n%s\nwant\n%s", err, b.String(), test.want)
			}
		})
	}
}

func TestAddress(t *testing.T) {
	for _, test := range []struct {
		listen []string
		want   string
	}{
		{[]string{"127.0.0.1:8484"}, "http://127.0.0.1:8484"},
		{[]string{"unix", "0.0.0.0:80"}, "http://127.0.0.1:80"},
		{[]string{"[::]:80"}, "http://127.0.0.1:80"},
		{[]string{":80"}, "http://127.0.0.1:80"},
		{[]string{"[::1]:80"}, "http://[::1]:80"},
		{[]string{"unix:x.sock", "127.0.0.1:0"}, ""},
		{nil, ""},
	} {
		if got := address(test.listen); got != test.want {
			t.Errorf("address(%q) = %q, want %q", test.listen, got, test.want)
		}
	}
}

func TestTextForATerminal(t *testing.T) {
	for in, want := range map[string]string{
		"plain":              "plain",
		" two\n lines\t ":    "two lines",
		"\x1b]0;title\x07":   "\uFFFD]0;title\uFFFD",
		"a\u202eb\u2066c":    "a\uFFFDb\uFFFDc",
		"\xff\u0085":         "\uFFFD\uFFFD",
		"emoji 👩‍🔬 and 日本語":  "emoji 👩‍🔬 and 日本語",
		"carriage\rreturn\r": "carriage return",
	} {
		if got := line(in); got != want {
			t.Errorf("line(%q) = %q, want %q", in, got, want)
		}
	}
	if got := short("abcdef", 4); got != "abc…" {
		t.Errorf("short = %q", got)
	}
	if got := moment("2026-01-02T03:04:05.000001Z"); got != "2026-01-02 03:04:05" {
		t.Errorf("moment = %q", got)
	}
	if got := moment("yesterday\n"); got != "yesterday" {
		t.Errorf("moment = %q", got)
	}
}
