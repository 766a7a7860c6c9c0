package analytics

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// widest is the most characters of a cell that a table shows.
const widest = 60

// WriteTable writes the rows for people: columns under their names, numbers to
// the right, what is long cut with an ellipsis, and nothing that moves the
// cursor. All rows are read before the first is written.
func (r *Rows) WriteTable(w io.Writer) error {
	cells := [][]string{make([]string, len(r.Columns))}
	right := make([]bool, len(r.Columns))
	for i, c := range r.Columns {
		cells[0][i] = shown(c.Name)
	}
	for row, err := range r.All() {
		if err != nil {
			return err
		}
		line := make([]string, len(row))
		for i, v := range row {
			text, err := Text(v)
			if err != nil {
				return err
			}
			if v == nil {
				text = "NULL"
			}
			line[i] = shown(text)
			switch v.(type) {
			case int64, float64, json.Number:
				right[i] = true
			}
		}
		cells = append(cells, line)
	}
	return writeCells(w, cells, right)
}

func writeCells(w io.Writer, cells [][]string, right []bool) error {
	width := make([]int, len(right))
	for _, line := range cells {
		for i, cell := range line {
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	out := bufio.NewWriter(w)
	for n, line := range cells {
		for i, cell := range line {
			pad := strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell))
			if right[i] {
				cell = pad + cell
			} else if i < len(line)-1 {
				cell += pad
			}
			if i > 0 {
				out.WriteString("  ")
			}
			out.WriteString(cell)
		}
		out.WriteByte('\n')
		if n == 0 {
			for i, n := range width {
				if i > 0 {
					out.WriteString("  ")
				}
				out.WriteString(strings.Repeat("─", n))
			}
			out.WriteByte('\n')
		}
	}
	rows := "rows"
	if len(cells) == 2 {
		rows = "row"
	}
	fmt.Fprintf(out, "(%d %s)\n", len(cells)-1, rows)
	return out.Flush()
}

// shown is a text on one line, in which nothing controls a terminal.
func shown(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			return ' '
		case r == utf8.RuneError, unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r):
			return '\uFFFD'
		}
		return r
	}, s)
	if utf8.RuneCountInString(s) > widest {
		s = string([]rune(s)[:widest-1]) + "…"
	}
	return s
}
