package sqlcore

import (
	"context"
	"fmt"
	"strings"

	"github.com/varvedb/varve/chat"
)

// ThreadsAmong is Threads where the store knows which few threads the search
// can find: from is a FROM clause that gives them as t. Threads would walk the
// index of the listing past all others. Threads must have their ActivityColumn.
func (c *Core) ThreadsAmong(ctx context.Context, q Querier, ask chat.ThreadQuery, from Condition) ([]chat.Thread, error) {
	d := c.Dialect
	var args []any
	param := func(arg any) string {
		args = append(args, arg)
		return d.Param(len(args))
	}
	id := d.SortID(`t."id"`)
	sql := fmt.Sprintf(`SELECT %s,%s FROM %s`, c.ThreadMap.Select(d, "t"), c.sql.activity, from(param))
	var where []string
	if ask.UserID != "" {
		col, _ := c.Schema.Threads.Column("userId")
		where = append(where, `t."userId"=`+d.Compare(param(ask.UserID), col))
	}
	if ask.Feedback != nil {
		where = append(where, c.voted(param(int64(*ask.Feedback))))
	}
	if ask.After != nil {
		where = append(where, d.before(c.sql.activity, id, param(ask.After.LastActivity), param(ask.After.ID)))
	}
	if len(where) > 0 {
		sql += " WHERE " + strings.Join(where, " AND ")
	}
	sql += fmt.Sprintf(" ORDER BY %s DESC,%s DESC LIMIT %s", c.sql.activity, id, param(int64(ask.Limit)))
	var threads []chat.Thread
	err := q.Run(ctx, Query{SQL: sql, Args: args, Each: func(r Row) error {
		threads = append(threads, c.scanThread(r))
		return nil
	}})
	return threads, err
}
