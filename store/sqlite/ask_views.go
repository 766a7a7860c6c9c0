package sqlite

import (
	"strings"

	"github.com/varvedb/varve/state"
	"github.com/varvedb/varve/store/internal/sqlcore"
)

func quoted(name string) string { return sqlcore.Quote(name) }

// latestView is the query for the rows of a table as they are.
func latestView(t *state.Table) string {
	return "SELECT " + shown(t) + ", l._seq AS _seq, l._version AS _version, " + asTime("l._at") + " AS _at, l._actor AS _actor FROM main." +
		quoted("varve_entity_"+strings.ToLower(t.Name)) + " e JOIN main." + quoted(sqlcore.LogTable(t.Name)) + " l ON l._seq=e._seq WHERE NOT e._deleted"
}

// historyView is the query for all versions.
func historyView(t *state.Table) string {
	return "SELECT " + shown(t) + ", l._seq AS _seq, l._version AS _version, " + asTime("l._at") +
		" AS _at, l._op AS _op, l._actor AS _actor, l._source AS _source FROM main." + quoted(sqlcore.LogTable(t.Name)) + " l"
}

// shown are a table's columns, those of bytes left out.
func shown(t *state.Table) string {
	var columns []string
	for i, c := range t.Columns {
		if c.Type == state.Bytes {
			continue
		}
		var places []string
		for _, p := range t.Places[i] {
			expr := "l." + quoted(p.Name)
			if p.Type != c.Type {
				expr = versionDialect.Widen(expr, c.Type)
			}
			places = append(places, expr)
		}
		expr := places[0]
		if len(places) > 1 {
			expr = "coalesce(" + strings.Join(places, ",") + ")"
		}
		if c.Type == state.Time {
			expr = asTime(expr)
		}
		columns = append(columns, expr+" AS "+quoted(c.Name))
	}
	return strings.Join(columns, ", ")
}

// asTime makes text of a time in microseconds, as SQLite's own functions read
// it.
func asTime(expr string) string {
	return "strftime('%Y-%m-%d %H:%M:%S'," + expr + "/1000000,'unixepoch')||printf('.%06d'," + expr + "%1000000)"
}
