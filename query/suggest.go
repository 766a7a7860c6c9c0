package query

import (
	"fmt"
	"strings"
)

// suggestion names the nearest of what there is, as a remedy after an error.
func suggestion(given string, there []string) string {
	best, distance := "", len(given)/2+1
	for _, name := range there {
		if d := edits(strings.ToLower(given), strings.ToLower(name), distance); d < distance || d == distance && best == "" {
			best, distance = name, d
		}
	}
	if best != "" {
		return fmt.Sprintf("; did you mean %q?", best)
	}
	if len(there) == 0 || len(there) > 20 {
		return ""
	}
	return "; there are " + strings.Join(there, ", ")
}

// edits counts the letters to add, drop or change to make one word of another,
// or is more than most.
func edits(a, b string, most int) int {
	if len(a)-len(b) > most || len(b)-len(a) > most {
		return most + 1
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := before
			if a[i] != b[j] {
				change++
			}
			before = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

func (t *Table) names() []string {
	out := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		out[i] = c.Name
	}
	return out
}
