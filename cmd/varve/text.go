package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"unicode"
	"unicode/utf8"
)

// What people wrote goes to a terminal here, so that nothing in it may move
// the cursor, change the title or turn the direction of writing.

// line is a text on one line.
func line(s string) string {
	return strings.Join(strings.Fields(block(s)), " ")
}

// block is a text on as many lines as it has.
func block(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return r
		case r == '\t' || r == '\r':
			return ' '
		case r == utf8.RuneError, unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r):
			return '\uFFFD'
		}
		return r
	}, s)
}

// short cuts a line after n characters.
func short(s string, n int) string {
	s = line(s)
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}

// moment is a time of the wire for people: to the second.
func moment(s string) string {
	if len(s) < len("2006-01-02T15:04:05") || s[10] != 'T' {
		return line(s)
	}
	return line(s[:10] + " " + s[11:19])
}

// writeTable writes rows under a heading, or what to say when there are none.
func writeTable(w io.Writer, rows [][]string, none string) error {
	if len(rows) == 1 {
		_, err := fmt.Fprintln(w, none)
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		for i, cell := range row {
			if row[i] = line(cell); row[i] == "" {
				row[i] = "-"
			}
		}
		fmt.Fprintln(t, strings.Join(row, "\t"))
	}
	return t.Flush()
}

// show writes a text of more than one line; on a terminal nothing in it steers
// that.
func (p *program) show(write func(io.Writer) error) error {
	if !terminal(p.stdout) {
		return write(p.stdout)
	}
	var text strings.Builder
	if err := write(&text); err != nil {
		return err
	}
	_, err := io.WriteString(p.stdout, block(text.String()))
	return err
}
