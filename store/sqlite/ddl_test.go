package sqlite

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/ncruces/go-sqlite3"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/store/internal/sqlcore"
)

// The triggers read times in SQL, everything else in Go: they must agree.
func TestTimesAreReadInSQLAsInGo(t *testing.T) {
	c, err := openConn(":memory:", sqlite3.OPEN_READWRITE|sqlite3.OPEN_MEMORY, Options{}.withDefaults())
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	ask := `SELECT ` + timeSQL("x") + ` FROM (SELECT ?1 AS x)`
	times := []string{
		"2026-01-02T03:04:05.000001Z", "2026-01-02T03:04:05Z", "2026-01-02T03:04:05", "2026-01-02 03:04:05",
		"2026-01-02T03:04:05.5Z", "2026-01-02T03:04:05.123456789Z", "2026-01-02T03:04:05.123", "2026-01-02T03:04:05.687000",
		"2026-01-02T03:04:05+02:00", "2026-01-02T00:04:05.25+02:00", "2026-12-31T23:59:59.999999-11:30", "2026-01-02T03:04:05+0200",
		"2026-01-02T03:04:05.1-05", "2026-01-02 03:04:05.1+00", "2024-02-29T00:00:00Z", "2026-02-29T00:00:00Z", "2026-02-30T01:02:03.000000Z",
		"2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-01-32T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T23:60:00Z", "2026-01-01T23:59:60Z",
		"2026-01-01T25:00:00.000000Z", "2026-01-02T03:04:05.Z", "2026-01-02T03:04:05ZZ", "2026-01-02T03:04:05 Z", "2026-01-02T03:04:05z",
		"2026-01-02T03:04:05.12x", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "", "not a time", "2026-01-02", "1767323045",
		"2026-01-02T03:04:05.000001Z trailing text that is long", "２０２６-01-02T03:04:05Z", "2026-01-02T03:04:05.1.2Z", "2026-01-02T03:04:05+2:00",
	}
	g := rand.New(rand.NewPCG(7, 7))
	for range 3000 { // valid ones, taken apart and put together wrongly
		s := fmt.Sprintf("%04d-%02d-%02d%c%02d:%02d:%02d", 1900+g.IntN(300), g.IntN(14), g.IntN(33), "T T"[g.IntN(3)], g.IntN(26), g.IntN(62), g.IntN(62))
		if g.IntN(2) == 0 {
			s += "." + strings.Repeat(fmt.Sprint(g.IntN(10)), g.IntN(10))
		}
		times = append(times, s+[]string{"", "Z", "+02:00", "-0130", "+05", "x"}[g.IntN(6)])
	}
	valid := 0
	for _, s := range times {
		want, ok := chat.NormalTime(s)
		if ok {
			valid++
		}
		got, gotOK := "", false
		err := c.query(ask, func(r sqlcore.Row) error {
			got, gotOK = r.Text(0)
			return nil
		}, s)
		if err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		if got != want || gotOK != ok {
			t.Errorf("%q is %q (%v) in SQL and %q (%v) in Go", s, got, gotOK, want, ok)
		}
	}
	if valid < 300 {
		t.Errorf("only %d of %d times were valid", valid, len(times))
	}
}

func TestScriptsAreCutIntoStatements(t *testing.T) {
	kinds := map[string]int{}
	for _, statement := range script(trackingSQL) {
		kind, name := created(statement)
		kinds[kind]++
		if !strings.HasPrefix(name, "varve_") || strings.Contains(statement, "{{") || strings.Contains(statement, "--") {
			t.Errorf("a statement is %q", statement)
		}
	}
	if kinds["TABLE"] != 2 || kinds["INDEX"] != 9 || kinds["TRIGGER"] != 17 {
		t.Errorf("statements are %v", kinds)
	}
}
