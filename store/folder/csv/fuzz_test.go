package csv_test

import (
	"encoding/csv"
	"io"
	"reflect"
	"strings"
	"testing"

	"github.com/varvedb/varve/query"
	ours "github.com/varvedb/varve/store/folder/csv"
)

// FuzzRead: what is read is written back as it was and read again as the same;
// and encoding/csv, where it tells as much, reads the same fields.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{"a,b\n1,2\n", "a;b\r\n\"x\r\ny\";\"\"\r\n", "\ufeffa\tb\n\n1.5\t2026-01-02\n", "a\n\"\"\"\"\n", "a,\n,\"\n\"", "id,b\n007,-0\n1e5,TRUE", "a,b\n1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := read(text)
		if err != nil {
			return
		}
		var b strings.Builder
		if err := c.Write(&b); err != nil {
			t.Fatal(err)
		}
		if strings.TrimRight(b.String(), "\r\n") != strings.TrimRight(text, "\r\n") {
			t.Fatalf("%q is written back as %q", text, b.String())
		}
		again, err := read(b.String())
		if err != nil || told(again) != told(c) {
			t.Fatalf("%q is read again as %s, %v", b.String(), told(again), err)
		}
		anew(t, c)
		if !strings.ContainsRune(text, '\r') {
			agrees(t, text, c)
		}
	})
}

// anew writes every row anew, which must read as the same under the types found.
func anew(t *testing.T, c *ours.Content) {
	t.Helper()
	lines := *c
	lines.Lines = nil
	for _, row := range c.Rows {
		line, err := c.Line(row)
		if err != nil {
			t.Fatal(err)
		}
		if len(row) == 1 && row[0] == nil {
			return // a blank line, which no table with a key has
		}
		lines.Lines = append(lines.Lines, line)
	}
	var b strings.Builder
	if err := lines.Write(&b); err != nil {
		t.Fatal(err)
	}
	again, err := ours.Read("f.csv", b.String(), c.Shape, true)
	if err != nil || !reflect.DeepEqual(again.Rows, c.Rows) && len(c.Rows) > 0 {
		t.Fatalf("%q is read as %v, %v; want %v", b.String(), again, err, c.Rows)
	}
}

func agrees(t *testing.T, text string, c *ours.Content) {
	t.Helper()
	r := csv.NewReader(strings.NewReader(strings.TrimPrefix(text, "\ufeff")))
	r.Comma = rune(c.Comma)
	if _, err := r.Read(); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	for i, row := range c.Rows {
		fields, err := r.Read()
		if err != nil {
			t.Fatalf("%q, row %d: %v", text, i, err)
		}
		for n, v := range row {
			if s, ok := v.(string); ok && c.Columns[n].Type.Kind == query.Text && s != fields[n] {
				t.Fatalf("%q, row %d: %q, want %q", text, i, s, fields[n])
			}
		}
	}
	if _, err := r.Read(); err != io.EOF {
		t.Fatalf("%q: more rows, %v", text, err)
	}
}
