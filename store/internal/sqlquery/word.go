package sqlquery

import (
	"slices"
	"strings"
)

// nested stands for the first word behind comments in each other: engines
// differ in where those end.
const nested = "/*"

// FirstWord is the word that a statement begins with, in lower case, behind
// blanks, brackets and comments.
func FirstWord(sql string) string {
	for {
		sql = strings.TrimLeft(sql, " \t\r\n\f\v;(")
		var found bool
		switch {
		case strings.HasPrefix(sql, "--"), strings.HasPrefix(sql, "#"):
			_, sql, found = strings.Cut(sql, "\n")
		case strings.HasPrefix(sql, "/*"):
			var inside string
			if inside, sql, found = strings.Cut(sql[2:], "*/"); strings.Contains(inside, "/*") {
				return nested
			}
		default:
			end := strings.IndexFunc(sql, func(r rune) bool { return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') })
			if end < 0 {
				end = len(sql)
			}
			return strings.ToLower(sql[:end])
		}
		if !found {
			return ""
		}
	}
}

// Controls tells whether a statement is one about transactions or the session.
func Controls(sql string) bool {
	return slices.Contains([]string{"begin", "start", "commit", "end", "rollback", "abort", "savepoint", "release", "prepare",
		"set", "lock", "unlock", "xa", "use", "reset", "discard", "listen", "unlisten", "deallocate", "execute", nested}, FirstWord(sql))
}
