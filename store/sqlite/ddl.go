package sqlite

import (
	_ "embed"
	"regexp"
	"strings"
)

//go:embed migrations/0001_foundation.sql
var foundationSQL string

//go:embed migrations/0002_chainlit.sql
var chainlitSQL string

//go:embed migrations/0005_data.sql
var dataSQL string

//go:embed migrations/tracking.sql
var trackingSQL string

var (
	comment  = regexp.MustCompile(`(?m)^\s*--.*\n`)
	timeMark = regexp.MustCompile(`\{\{time ([^}]+)\}\}`)
	nameMark = regexp.MustCompile(`^CREATE (TABLE|INDEX|TRIGGER) (?:IF NOT EXISTS )?(\w+)`)
)

// script cuts a file into its statements and fills in what it leaves open. A
// statement ends with a line that ends it: "END;" for a trigger.
func script(sql string) []string {
	sql = comment.ReplaceAllString(sql, "")
	sql = timeMark.ReplaceAllStringFunc(sql, func(m string) string { return timeSQL(timeMark.FindStringSubmatch(m)[1]) })
	sql = strings.ReplaceAll(sql, "{{now}}", nowSQL)
	var out []string
	var b strings.Builder
	trigger := false
	for line := range strings.Lines(sql) {
		if strings.TrimSpace(line) == "" {
			continue
		}
		if b.Len() == 0 {
			trigger = strings.HasPrefix(line, "CREATE TRIGGER")
		}
		b.WriteString(line)
		end := strings.TrimRight(line, " \n")
		if trigger && end == "END;" || !trigger && strings.HasSuffix(end, ";") {
			out = append(out, strings.TrimSuffix(strings.TrimSpace(b.String()), ";"))
			b.Reset()
		}
	}
	return out
}

// created names what a statement creates: "TRIGGER", "varve_steps_insert".
func created(statement string) (kind, name string) {
	m := nameMark.FindStringSubmatch(statement)
	if m == nil {
		return "", ""
	}
	return m[1], m[2]
}

// nowSQL is the time of a statement in milliseconds since 1970.
const nowSQL = `CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER)`

const (
	digit    = "[0-9]"
	dateGlob = digit + digit + digit + digit + "-" + digit + digit + "-" + digit + digit
	timeGlob = "[0-2]" + digit + ":" + digit + digit + ":" + digit + digit
)

// timeSQL is the expression that brings a time in one of the forms that
// chat.NormalTime reads into fixed-width UTC text, or NULL, with functions
// that every SQLite of the last ten years has. X is read often, so it should
// be a column. Times without seconds are not read: no program writes them.
//
// Step by step: the stored form passes as it is when the calendar knows it;
// otherwise the text from position 20 is an optional fraction and a zone,
// strftime moves the rest by the zone, and six digits of the fraction follow.
func timeSQL(x string) string {
	return strings.NewReplacer("{X}", x, "\n", " ", "\t", "").Replace(`(CASE
WHEN {X} GLOB '` + dateGlob + `T` + timeGlob + `.` + strings.Repeat(digit, 6) + `Z'
 AND substr({X}, 12, 2) < '24' AND strftime('%Y-%m-%dT%H:%M:%S', substr({X}, 1, 19)) = substr({X}, 1, 19) THEN {X}
WHEN substr({X}, 1, 19) GLOB '` + dateGlob + `[T ]` + timeGlob + `' AND length({X}) <= 40 AND substr({X}, 12, 2) < '24'
 AND strftime('%Y-%m-%d %H:%M:%S', substr({X}, 1, 19)) = substr({X}, 1, 10) || ' ' || substr({X}, 12, 8) THEN
 (SELECT CASE
   WHEN zone IN ('', 'Z', 'z') THEN strftime('%Y-%m-%dT%H:%M:%S', sec) || '.' || frac || 'Z'
   WHEN zone GLOB '[+-]` + digit + digit + `:` + digit + digit + `' THEN strftime('%Y-%m-%dT%H:%M:%S', sec || zone) || '.' || frac || 'Z'
   WHEN zone GLOB '[+-]` + digit + digit + digit + digit + `' THEN strftime('%Y-%m-%dT%H:%M:%S', sec || substr(zone, 1, 3) || ':' || substr(zone, 4)) || '.' || frac || 'Z'
   WHEN zone GLOB '[+-]` + digit + digit + `' THEN strftime('%Y-%m-%dT%H:%M:%S', sec || zone || ':00') || '.' || frac || 'Z' END
 FROM (SELECT substr({X}, 1, 10) || ' ' || substr({X}, 12, 8) AS sec,
   CASE WHEN substr({X}, 20, 1) = '.' THEN ltrim(substr({X}, 21), '0123456789') ELSE substr({X}, 20) END AS zone,
   CASE WHEN substr({X}, 20, 1) = '.' THEN substr(substr({X}, 21, length({X}) - 20 - length(ltrim(substr({X}, 21), '0123456789'))) || '000000', 1, 6) ELSE '000000' END AS frac
 ) WHERE substr({X}, 20, 1) <> '.' OR substr({X}, 21, 1) GLOB '` + digit + `')
END)`)
}
