package bench

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// way is one way to do a piece of work. run is called with 0, 1, 2…
type way struct {
	name string
	run  func(i int) error
}

// times are how long runs took, shortest first.
type times []time.Duration

// alternate runs every way n times, turn by turn, so that what else the machine
// does in the meantime falls on all of them alike. What is slow only at first,
// such as preparing a statement, is not measured: warm runs come before.
func alternate(b *testing.B, n int, ways ...way) []times {
	b.Helper()
	const warm = 3
	all := make([]times, len(ways))
	for i := range n + warm {
		for w := range ways {
			w = (w + i) % len(ways) // nobody is always after the same
			start := time.Now()
			if err := ways[w].run(i); err != nil {
				b.Fatalf("%s: %v", ways[w].name, err)
			}
			if i >= warm {
				all[w] = append(all[w], time.Since(start))
			}
		}
	}
	for _, t := range all {
		slices.Sort(t)
	}
	return all
}

// sorted brings times that were collected in another way into their order.
func (t times) sorted() times {
	slices.Sort(t)
	return t
}

func (t times) median() time.Duration { return t.at(0.5) }

// at is the quantile q.
func (t times) at(q float64) time.Duration {
	return t[min(int(q*float64(len(t))), len(t)-1)]
}

// size chooses between a full run and -short.
func size(full, short int) int {
	if testing.Short() {
		return short
	}
	return full
}

// duration writes three digits.
func duration(d time.Duration) string {
	switch {
	case d >= 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d >= time.Second:
		return fmt.Sprintf("%.2f s", d.Seconds())
	case d >= 100*time.Millisecond:
		return fmt.Sprintf("%.0f ms", d.Seconds()*1e3)
	case d >= 10*time.Millisecond:
		return fmt.Sprintf("%.1f ms", d.Seconds()*1e3)
	case d >= time.Millisecond:
		return fmt.Sprintf("%.2f ms", d.Seconds()*1e3)
	}
	return fmt.Sprintf("%.0f µs", d.Seconds()*1e6)
}

func rate(perSecond float64) string { return fmt.Sprintf("%.0f/s", perSecond) }

// middle is the median.
func middle(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}
