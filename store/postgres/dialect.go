package postgres

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/varvedb/varve/store/internal/sqlcore"
)

// dialect tells the core how PostgreSQL reads. All answers come in text form,
// so nothing has to be cast on the way out.
func (l *layout) dialect() sqlcore.Dialect {
	return sqlcore.Dialect{
		Param:    func(n int) string { return "$" + strconv.Itoa(n) },
		Table:    l.table,
		Read:     func(expr string, _ sqlcore.Column) string { return expr },
		Compare:  func(param string, _ sqlcore.Column) string { return param },
		SortID:   l.sortID,
		SortText: func(expr string) string { return expr + ` COLLATE "C"` },
		Time:     utcFast,
		Greatest: "greatest",
		Grouped:  true,
		Hop:      true,
		Contains: func(expr, needle string) string { return "strpos(" + ascii(expr) + "," + needle + ")>0" },
		Order:    "ctid",
		Holds: func(id string, c sqlcore.Column) bool {
			return c.Kind != sqlcore.UUID || isUUID(id)
		},
		Starred: l.starred("s."),
	}
}

// sortID makes threads' ids sort by bytes. UUIDs do, and so do texts in a
// column with the "C" collation; another column's text must be told to.
func (l *layout) sortID(expr string) string {
	if id, _ := l.found.Threads.Column("id"); id.Kind == sqlcore.UUID || (l.origin == own && !l.official) {
		return expr
	}
	return expr + ` COLLATE "C"`
}

// starred is a condition on steps that favorites meet, word for word that of
// the index for it. Objects that were encoded twice are looked at too.
func (l *layout) starred(alias string) string {
	text := alias + `"metadata"`
	if l.official {
		if alias != "" {
			text = alias + asStored
		}
		return text + ` @> '{"favorite": true}'`
	}
	if meta, ok := l.found.Steps.Column("metadata"); ok && meta.Type != "jsonb" {
		return fmt.Sprintf(`(%s::text LIKE '%%favorite%%')`, text)
	}
	return fmt.Sprintf(`(%[1]s @> '{"favorite": true}' OR jsonb_typeof(%[1]s)='string' AND %[1]s::text LIKE '%%favorite%%')`, text)
}

// ascii folds a text that is plain ASCII, as chat.Fold does. Any other text
// must be folded there.
func ascii(expr string) string { return "lower(" + expr + ` COLLATE "C")` }

// beyond tells whether a text is more than ASCII.
func beyond(expr string) string { return fmt.Sprintf("octet_length(%[1]s)>char_length(%[1]s)", expr) }

// utcFast is utc for the reading of whole tables: a text in the stored form is
// taken without a second look at its digits, which is a hundred times cheaper.
func utcFast(expr string) string {
	return fmt.Sprintf(`CASE WHEN %[1]s::text LIKE '____-__-__T__:__:__.______Z' THEN %[1]s::text ELSE %[2]s END`, expr, utc(expr+"::text"))
}

// utc is fixed-width UTC text of a time in any form that chat.NormalTime takes,
// NULL for what is no time. It never raises an error.
func utc(t string) string { return strings.ReplaceAll(utcTemplate, ":t", t) }

// The first condition is the form and the ranges, the second the days of short
// months. make_date and intervals are immutable, unlike casts from text. The
// year 0 and what an offset moves out of four digits are left out.
const utcTemplate = `CASE WHEN :t ~ '^(?!0000)\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])[T ]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d([.,]\d+)?([Zz]|[+-]([01]\d|2[0-3])(:?[0-5]\d)?)?)?$'
  AND length(:t) <= 40
  AND (substr(:t, 9, 2) <= '28' OR substr(:t, 9, 2)::int <= date_part('day', make_date(substr(:t, 1, 4)::int, substr(:t, 6, 2)::int, 1) + interval '1 month - 1 day'))
THEN CASE
  WHEN length(:t) = 27 AND substr(:t, 11, 1) = 'T' AND substr(:t, 20, 1) = '.' AND right(:t, 1) = 'Z' THEN :t
  WHEN :t ~ ':[^Zz]*[+-]' AND substr(:t, 1, 4) IN ('0001', '9999') THEN NULL
  WHEN :t ~ ':[^Zz]*[+-]' THEN to_char(make_timestamp(substr(:t, 1, 4)::int, substr(:t, 6, 2)::int, substr(:t, 9, 2)::int, substr(:t, 12, 2)::int, substr(:t, 15, 2)::int, substr(:t, 18, 2)::int)
    - (substring(:t from '([+-]\d\d)(?::?\d\d)?$') || ':' || coalesce(substring(:t from '[+-]\d\d:?(\d\d)$'), '00'))::interval, 'YYYY-MM-DD"T"HH24:MI:SS')
    || '.' || rpad(left(coalesce(substring(:t from '[.,](\d+)'), ''), 6), 6, '0') || 'Z'
  ELSE left(:t, 10) || 'T' || substr(:t, 12, 5) || CASE WHEN length(:t) >= 19 THEN substr(:t, 17, 3) ELSE ':00' END
    || '.' || rpad(left(coalesce(substring(:t from '[.,](\d+)'), ''), 6), 6, '0') || 'Z'
END END`
