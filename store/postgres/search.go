package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/store/internal/sqlcore"
)

// Search compares texts in the form that chat.Fold gives them. The server can
// make that form itself where a text is plain ASCII. Of other texts it is kept
// in varve_fold, written with the text or, for rows of other writers, before
// the next search. On a database without that column such texts are sent here
// and folded at every search.

// index makes the trigram index for search where the extension can be had. It
// is an extra: without it search looks through the rows of the user.
func (s *Store) index(ctx context.Context, l *layout) {
	sql := trigrams(l, "")
	err := s.alter(ctx, sql[:1])
	if err == nil {
		err = s.direct().write(ctx, sqlcore.Query{SQL: sql[1]})
	}
	if err != nil {
		s.log.Info("search works without an index here", "err", err)
	}
}

const searchIndex = "varve_steps_search"

// trigrams are the statements for the index, of which the first needs the lock
// of those who change a schema: of two who make an extension at once one fails,
// whatever IF NOT EXISTS says. how is CONCURRENTLY or nothing.
func trigrams(l *layout, how string) []string {
	return []string{
		`CREATE EXTENSION IF NOT EXISTS pg_trgm`,
		fmt.Sprintf(`CREATE INDEX %s IF NOT EXISTS %s ON %s USING gin ((coalesce(%s,%s)) gin_trgm_ops)`,
			how, searchIndex, l.target("steps"), foldColumn, ascii(`"output"`)),
	}
}

// folded is the searchable form of a text as far as the server knows it.
func folded(t sqlcore.Table, alias, column string) string {
	expr := ascii(alias + sqlcore.Quote(column))
	if t.Has(foldColumn) {
		return fmt.Sprintf(`coalesce(%s%s,%s)`, alias, foldColumn, expr)
	}
	return expr
}

// search gives the condition for a search, nil for none.
func (l *layout) search(ctx context.Context, at access, f chat.ThreadFilter) (sqlcore.Condition, error) {
	needle := chat.Fold(f.Search)
	if needle == "" {
		return nil, nil
	}
	var also []string
	var err error
	if l.found.Steps.Has(foldColumn) && l.found.Threads.Has(foldColumn) {
		err = l.catchUp(ctx, at, f.UserID)
	} else {
		also, err = l.sift(ctx, at, f.UserID, needle)
	}
	if err != nil {
		return nil, err
	}
	return l.mentions(f.UserID, needle, also), nil
}

// mentions is the condition that a thread mentions the needle, or is one of
// those that are known to. With an index on steps it looks into one thread
// after the other until the page is full; without, it reads the user's steps
// once.
func (l *layout) mentions(userID, needle string, known []string) sqlcore.Condition {
	return func(param func(any) string) string {
		p := param("%" + likeEscaper.Replace(needle) + "%")
		output := folded(l.found.Steps, "s.", "output") + " LIKE " + p
		steps := fmt.Sprintf(`EXISTS (SELECT 1 FROM %s s WHERE s."threadId"=t."id" AND %s)`, l.table("steps"), output)
		if !l.found.Steps.Indexed("threadId") {
			if userID != "" {
				output = `u."userId"=` + param(userID) + " AND " + output
			}
			steps = fmt.Sprintf(`t."id" IN (SELECT s."threadId" FROM %s s JOIN %s u ON u."id"=s."threadId" WHERE %s)`,
				l.table("steps"), l.table("threads"), output)
		}
		sql := fmt.Sprintf(`(%s LIKE %s OR %s`, folded(l.found.Threads, "t.", "name"), p, steps)
		if len(known) > 0 {
			sql += fmt.Sprintf(` OR t."id"::text=ANY(%s::text[])`, param(known))
		}
		return sql + ")"
	}
}

var likeEscaper = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// sift reads the texts beyond ASCII of a user, or of all, and returns the
// threads whose texts contain the needle.
func (l *layout) sift(ctx context.Context, at access, userID, needle string) ([]string, error) {
	where, args := l.texts(userID)
	found := map[string]bool{}
	keep := func(r sqlcore.Row) error {
		id, _ := r.Text(0)
		if text, _ := r.Text(1); !found[id] && strings.Contains(chat.Fold(text), needle) {
			found[id] = true
		}
		return nil
	}
	err := at.Run(ctx,
		sqlcore.Query{SQL: fmt.Sprintf(`SELECT t."id",t."name" FROM %s t WHERE %s AND %s`,
			l.table("threads"), where, beyond(`t."name"`)), Args: args, Each: keep},
		sqlcore.Query{SQL: fmt.Sprintf(`SELECT t."id",s."output" FROM %s t JOIN %s s ON s."threadId"=t."id" WHERE %s AND %s`,
			l.table("threads"), l.table("steps"), where, beyond(`s."output"`)), Args: args, Each: keep})
	ids := make([]string, 0, len(found))
	for id := range found {
		ids = append(ids, id)
	}
	return ids, err
}

// texts is the condition for the threads of a user, or of all.
func (l *layout) texts(userID string) (string, []any) {
	if userID == "" || !l.core.Holds(l.found.Threads, "userId", userID) {
		return "true", nil
	}
	return `t."userId"=$1`, []any{userID}
}

// batch is how many texts are folded at a time.
const batch = 500

// catchUp folds what other writers left. It is only a look at two small
// partial indexes when they left nothing.
func (l *layout) catchUp(ctx context.Context, at access, userID string) error {
	for {
		due, err := l.unfolded(ctx, at, userID)
		if err != nil || len(due) == 0 {
			return err
		}
		if err := at.write(ctx, due...); err != nil {
			return err
		}
		if len(due) < batch {
			return nil
		}
	}
}

// unfolded returns the statements that fold what is due. A row that changed
// meanwhile has moved, and stays due.
func (l *layout) unfolded(ctx context.Context, at access, userID string) ([]sqlcore.Query, error) {
	where, args := l.texts(userID)
	threads := l.table("threads") + " t"
	var due []sqlcore.Query
	ask := func(table, alias, column, from string) sqlcore.Query {
		text := alias + sqlcore.Quote(column)
		set := fmt.Sprintf(`UPDATE %s SET %s=$1::text WHERE "id"=$2 AND ctid=$3::tid`, l.target(table), foldColumn)
		return sqlcore.Query{
			SQL: fmt.Sprintf(`SELECT %[1]s"id",%[1]sctid,%[2]s FROM %[3]s WHERE %[4]s AND %[1]s%[5]s IS NULL AND %[6]s LIMIT %[7]d`,
				alias, text, from, where, foldColumn, beyond(text), batch),
			Args: args,
			Each: func(r sqlcore.Row) error {
				got := r.(row)
				due = append(due, sqlcore.Query{SQL: set, Args: []any{chat.Fold(got.text(2)), got.text(0), got.text(1)}})
				return nil
			}}
	}
	err := at.Run(ctx,
		ask("threads", "t.", "name", threads),
		ask("steps", "s.", "output", fmt.Sprintf(`%s JOIN %s s ON s."threadId"=t."id"`, threads, l.table("steps"))))
	return due, err
}
