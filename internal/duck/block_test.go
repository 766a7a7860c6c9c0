//go:build cgo && !no_duckdb

package duck

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Columns that are written at once are there as if each value had been: text
// of every length, and what is not UTF-8, which two values may only be together.
func TestBlocksHoldWhatWasWritten(t *testing.T) {
	c := open(t)
	texts := []string{"", "a", "twelve bytes", "thirteen byte", "é", "日本語のテキスト、長いもの", strings.Repeat("long ", 5000), "\xc3", "\xa9", "\xff at its beginning", "at its end \xc3", "\xa9 and on", "\x00"}
	if err := c.Exec(t.Context(), `CREATE TABLE t (row BIGINT, text VARCHAR, number DOUBLE, yes BOOLEAN)`); err != nil {
		t.Fatal(err)
	}
	a, err := c.Append("main", "t")
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	var want [][]any
	for block := range 5 {
		rows := []int{1, VectorSize, 64, 65, 1000}[block]
		text, ends := []byte{}, []uint32{}
		ints, floats, bools, nulls := []int64{}, []float64{}, []int64{}, make([]uint64, (rows+63)/64)
		for i := range rows {
			s := texts[(i*7+block)%7] // all UTF-8
			if block > 2 {
				s = texts[(i+block)%len(texts)]
			}
			text = append(text, s...)
			ends = append(ends, uint32(len(text)))
			ints, floats, bools = append(ints, int64(len(want))), append(floats, float64(i)/3), append(bools, int64(i%3))
			row := []any{int64(len(want)), strings.ToValidUTF8(s, "\uFFFD"), float64(i) / 3, i%3 != 0}
			if i%11 == 10 {
				nulls[i/64] |= 1 << (i % 64)
				row[1], row[2] = nil, nil
			}
			want = append(want, row)
		}
		to, err := a.Block(rows)
		if err != nil {
			t.Fatal(err)
		}
		to[0].Ints(ints)
		to[1].Texts(text, ends)
		to[2].Floats(floats)
		to[3].Bools(bools)
		if rows > 10 {
			to[1].Nulls(nulls)
			to[2].Nulls(nulls)
		}
		runtime.GC()
		if err := a.Send(); err != nil {
			t.Fatal(err)
		}
		for i := range text { // it is ours again
			text[i] = 'x'
		}
	}
	if err := a.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	rows, err := c.Query(t.Context(), `SELECT * FROM t ORDER BY row`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var got [][]any
	for {
		block, err := rows.Next()
		if err != nil {
			t.Fatal(err)
		}
		if block == nil {
			break
		}
		got = append(got, block...)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, err := a.Block(VectorSize + 1); err == nil {
		t.Error("a block of more rows than a chunk holds")
	}
}

// Texts that are written row by row and at once are the same.
func FuzzTextsAreThoseOfText(f *testing.F) {
	f.Add("a", "b\xc3", "\xa9c")
	f.Add("", "日本語のテキスト、長いもの", "\xed\xa0\x80")
	f.Fuzz(func(t *testing.T, x, y, z string) {
		c := open(t)
		if err := c.Exec(t.Context(), `CREATE TABLE t (a VARCHAR, b VARCHAR)`); err != nil {
			t.Fatal(err)
		}
		a, err := c.Append("main", "t")
		if err != nil {
			t.Fatal(err)
		}
		defer a.Close()
		var text []byte
		var ends []uint32
		to, err := a.Block(3)
		if err != nil {
			t.Fatal(err)
		}
		for row, s := range []string{x, y, z} {
			text = append(text, s...)
			ends = append(ends, uint32(len(text)))
			to[1].Text(row, s)
		}
		to[0].Texts(text, ends)
		if err := a.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := one(t, c, `SELECT count(*) FROM t WHERE a = b`); fmt.Sprint(n) != "3" {
			t.Errorf("%q %q %q: %v are the same", x, y, z, n)
		}
	})
}
