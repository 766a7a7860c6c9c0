package bench

import (
	"fmt"
	"io"
	"math"
	"sync"
	"time"
	"unicode/utf8"
)

// row is one line of the table: what Varve took, what something else took, and
// the ratio.
type row struct {
	ours, beside string
	name         string // of what is beside
	ratio        string
	goal         string
	reached      bool
}

// part is the rows of one piece of work.
type part struct {
	title string
	path  string // which way, which schema, which durability
	rows  []row
}

// table collects what the benchmarks of a run found.
type table struct {
	mu    sync.Mutex
	parts []*part
}

var results table

// part begins a part of the table.
func (t *table) part(title, path string) *part {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := &part{title: title, path: path}
	t.parts = append(t.parts, p)
	return p
}

// slower says how many times longer than beside ours took; atMost is the goal,
// 0 for none.
func (p *part) slower(ours time.Duration, name string, beside time.Duration, atMost float64) {
	ratio := float64(ours) / float64(beside)
	p.rows = append(p.rows, row{duration(ours), duration(beside), name, factor(ratio), goal("≤ ", atMost, "×"), ratio <= atMost})
}

// faster says how many times longer than ours beside took.
func (p *part) faster(ours time.Duration, name string, beside time.Duration, atLeast float64) {
	ratio := float64(beside) / float64(ours)
	text := "1/" + factor(ratio)
	if ratio < 1 {
		text = factor(1 / ratio)
	}
	p.rows = append(p.rows, row{duration(ours), duration(beside), name, text, goal("≤ 1/", atLeast, "×"), ratio >= atLeast})
}

// rate compares rates per second.
func (p *part) rate(ours float64, name string, beside float64, atLeast float64) {
	ratio := ours / beside
	p.rows = append(p.rows, row{rate(ours), rate(beside), name, factor(ratio), goal("≥ ", atLeast, "×"), ratio >= atLeast})
}

// value states a figure with a goal of its own.
func (p *part) value(name, value, goal string, reached bool) {
	p.rows = append(p.rows, row{ours: value, name: name, goal: goal, reached: reached})
}

// floor states a figure that is not Varve's.
func (p *part) floor(name, value string) {
	p.rows = append(p.rows, row{beside: value, name: name})
}

func goal(before string, limit float64, after string) string {
	if limit == 0 {
		return ""
	}
	return fmt.Sprintf("%s%g%s", before, limit, after)
}

// factor writes three digits, and never more of a big one than is known.
func factor(f float64) string {
	if f >= 100 {
		return fmt.Sprintf("%.0f×", f)
	}
	digits := 2 - int(math.Floor(math.Log10(max(f, 0.01))))
	return fmt.Sprintf("%.*f×", min(max(digits, 0), 2), f)
}

var columns = []struct {
	title string
	width int
}{{"", 58}, {"varve", 10}, {"beside it", 10}, {"ratio", 8}, {"goal", 10}, {"", 7}}

// print writes the table as text.
func (t *table) print(w io.Writer) {
	line := func(cells ...string) {
		for i, c := range cells {
			space := max(columns[i].width-utf8.RuneCountInString(c), 0)
			if i == 0 {
				fmt.Fprintf(w, "%s%*s", c, space, "")
			} else {
				fmt.Fprintf(w, "  %*s%s", space, "", c)
			}
		}
		fmt.Fprintln(w)
	}
	var titles []string
	for _, c := range columns {
		titles = append(titles, c.title)
	}
	line(titles...)
	for _, p := range t.parts {
		fmt.Fprintf(w, "\n%s\n  (%s)\n", p.title, p.path)
		for _, r := range p.rows {
			reached := ""
			if r.goal != "" {
				reached = "missed"
			}
			if r.goal != "" && r.reached {
				reached = "reached"
			}
			line("  "+r.name, r.ours, r.beside, r.ratio, r.goal, reached)
		}
	}
}
