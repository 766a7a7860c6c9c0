package mysql

import (
	"fmt"
	"strconv"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/store/internal/sqlcore"
)

// dialect tells the core how these servers read. All answers come as text.
var dialect = sqlcore.Dialect{
	Param:    func(n int) string { return "?" + strconv.Itoa(n) },
	Table:    sqlcore.Quote,
	Read:     func(expr string, _ sqlcore.Column) string { return expr },
	Compare:  func(param string, _ sqlcore.Column) string { return param },
	SortID:   func(expr string) string { return expr },
	SortText: func(expr string) string { return expr },
	// They do not seek by a pair of values: told so, they would read a user's
	// threads from the first on.
	Before: func(at, id, placeAt, placeID string) string {
		return fmt.Sprintf("(%[1]s<=%[3]s AND (%[1]s<%[3]s OR %[2]s<%[4]s))", at, id, placeAt, placeID)
	},
	Late:    "varve_seq",
	Order:   "varve_seq",
	Holds:   func(id string, _ sqlcore.Column) bool { return len(id) <= chat.MaxID },
	Starred: "s." + starredColumn + "=1",
}

// Columns that are not in every store.
const (
	foldColumn    = "varve_fold"    // the searchable form of a text that is more than ASCII
	starredColumn = "varve_starred" // the step is a favourite
)

// fold is the value of foldColumn for a text.
func fold(s string) any {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return chat.Fold(s)
		}
	}
	return nil
}

// mentions is the condition that a thread's name or an output of its steps
// contains a folded needle. It looks into one thread after the other, until the
// page is full.
func mentions(needle string) sqlcore.Condition {
	folded := func(alias, column string) string {
		return fmt.Sprintf(`coalesce(%s.%s,lower(%[1]s.%[3]s))`, alias, foldColumn, sqlcore.Quote(column))
	}
	return func(param func(any) string) string {
		p := param(needle)
		return fmt.Sprintf(`(locate(%[1]s,%[2]s)>0 OR EXISTS (SELECT 1 FROM steps s WHERE s."threadId"=t."id" AND locate(%[1]s,%[3]s)>0))`,
			p, folded("t", "name"), folded("s", "output"))
	}
}

// holds refuses ids that the columns cannot hold.
func holds(ids map[string]string) error {
	for field, id := range ids {
		if len(id) > chat.MaxID {
			return errs.Field(errs.Invalid, field, "is longer than %d bytes", chat.MaxID)
		}
	}
	return nil
}
