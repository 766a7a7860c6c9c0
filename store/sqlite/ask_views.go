package sqlite

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/ncruces/go-sqlite3"

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

// pastTable makes the table function of a table's rows as they were: a SELECT
// of which the point is an argument. A binary search finds nothing sooner than
// the index of versions, whose last entry up to a position is the version then.
func pastTable(t *state.Table) string {
	log := "main." + quoted(sqlcore.LogTable(t.Name))
	position := fmt.Sprintf("varve_position(:point, (SELECT coalesce(max(_seq), 0) FROM %s WHERE _at<=varve_moment(:point)), %d)", log, t.Horizon)
	return fmt.Sprintf(`CREATE VIRTUAL TABLE temp.%s USING statement((WITH point(seq) AS MATERIALIZED (SELECT %s)
SELECT %s, l._seq AS _seq, l._version AS _version, %s AS _at, l._actor AS _actor
FROM point CROSS JOIN main.%s e CROSS JOIN %s l WHERE l._op<>'delete' AND l._seq=
(SELECT o._seq FROM %s o WHERE o._eid=e._eid AND o._seq<=point.seq ORDER BY o._version DESC LIMIT 1)));`,
		quoted(t.Name+"_as_of"), position, shown(t), asTime("l._at"), quoted("varve_entity_"+strings.ToLower(t.Name)), log, log)
}

// pastFunctions are what tells a point of the past to pastTable.
func pastFunctions(db *sqlite3.Conn) error {
	if err := db.CreateFunction("varve_moment", 1, sqlite3.DETERMINISTIC|sqlite3.INNOCUOUS, func(ctx sqlite3.Context, arg ...sqlite3.Value) {
		if _, at, err := pastPoint(arg[0]); err != nil {
			ctx.ResultError(err)
		} else {
			ctx.ResultInt64(at)
		}
	}); err != nil {
		return err
	}
	return db.CreateFunction("varve_position", 3, sqlite3.DETERMINISTIC|sqlite3.INNOCUOUS, func(ctx sqlite3.Context, arg ...sqlite3.Value) {
		position, at, err := pastPoint(arg[0])
		if at != 0 {
			position = arg[1].Int64()
		}
		if horizon := arg[2].Int64(); err == nil && position < horizon {
			err = fmt.Errorf("versions from then were compacted away; %d is the first position that can be told", horizon)
		}
		if err != nil {
			ctx.ResultError(err)
			return
		}
		ctx.ResultInt64(position)
	})
}

// pastPoint reads a point, which is a position or a time, in microseconds.
func pastPoint(v sqlite3.Value) (position, at int64, err error) {
	if v.Type() == sqlite3.INTEGER {
		return v.Int64(), 0, nil
	}
	text := strings.TrimSpace(v.Text())
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n, 0, nil
	}
	text = strings.Replace(text, "T", " ", 1)
	for _, layout := range []string{time.DateOnly, "2006-01-02 15:04", time.DateTime, "2006-01-02 15:04Z07:00", time.DateTime + "Z07:00"} {
		if t, err := time.Parse(layout, text); err == nil {
			return 0, t.UnixMicro(), nil
		}
	}
	return 0, 0, errors.New("as of what? give a position, or a time like 2026-11-21 12:00")
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
