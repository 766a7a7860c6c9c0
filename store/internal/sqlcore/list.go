package sqlcore

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/varvedb/varve/chat"
)

// Condition narrows a listing beyond its filter: SQL about thread t, whose
// parameters param numbers as they are named.
type Condition func(param func(arg any) string) string

// Threads returns a page of threads without steps and elements. A store that
// has an index for search gives a condition in place of the scan.
func (c *Core) Threads(ctx context.Context, q Querier, ask chat.ThreadQuery, search Condition) ([]chat.Thread, error) {
	if ask.UserID != "" && !c.Holds(c.Schema.Threads, "userId", ask.UserID) {
		return nil, nil
	}
	sql, args := c.listing(ask, search)
	var threads []chat.Thread
	err := q.Run(ctx, Query{SQL: sql, Args: args, Each: func(r Row) error {
		threads = append(threads, c.scanThread(r))
		return nil
	}})
	if err != nil {
		return nil, err
	}
	return threads, nil
}

// listing builds the question. The order is that of an index on (userId,
// ActivityColumn DESC, id DESC), so that a page costs what a page costs; where
// the column is missing every thread of the filter is looked at.
func (c *Core) listing(ask chat.ThreadQuery, search Condition) (string, []any) {
	d := c.Dialect
	var args []any
	param := func(arg any) string {
		args = append(args, arg)
		return d.Param(len(args))
	}
	var where []string
	owner := ""
	if ask.UserID != "" {
		col, _ := c.Schema.Threads.Column("userId")
		owner = `"userId"=` + d.Compare(param(ask.UserID), col)
		where = append(where, "t."+owner)
	}
	if ask.Feedback != nil {
		where = append(where, c.voted(param(int64(*ask.Feedback))))
	}
	if needle := chat.Fold(ask.Search); needle != "" {
		if search == nil {
			search = c.Scan(needle)
		}
		where = append(where, search(param))
	}
	id := d.SortID(`t."id"`)
	// Written out, so that the engine plans once for a page of this length.
	limit := strconv.Itoa(ask.Limit)
	inner := fmt.Sprintf(c.sql.list, c.sql.activity+" AS varve_at,"+id+" AS varve_id")
	if !c.Activity() {
		if d.Grouped {
			inner = c.grouped(owner, id)
		}
		// The computed activity gets a name first, so that it is computed once.
		if len(where) > 0 {
			inner += " WHERE " + strings.Join(where, " AND ")
		}
		outer := "SELECT * FROM (" + inner + ") p"
		if ask.After != nil {
			outer += " WHERE " + d.before("p.varve_at", "p.varve_id", param(ask.After.LastActivity), param(ask.After.ID))
		}
		return outer + " ORDER BY p.varve_at DESC,p.varve_id DESC LIMIT " + limit, args
	}
	if ask.After != nil {
		where = append(where, d.before(c.sql.activity, id, param(ask.After.LastActivity), param(ask.After.ID)))
	}
	if d.Late != "" {
		inner = fmt.Sprintf(`SELECT t.%s,%s AS varve_at,%s AS varve_id FROM %s t`, Quote(d.Late), c.sql.activity, id, d.Table("threads"))
	}
	if len(where) > 0 {
		inner += " WHERE " + strings.Join(where, " AND ")
	}
	page := fmt.Sprintf("%s ORDER BY %s DESC,%s DESC LIMIT %s", inner, c.sql.activity, id, limit)
	if d.Late == "" {
		return page, args
	}
	return fmt.Sprintf(c.sql.list, c.sql.activity) +
		fmt.Sprintf(` JOIN (%s) p ON p.%[2]s=t.%[2]s ORDER BY p.varve_at DESC,p.varve_id DESC`, page, Quote(d.Late)), args
}

// grouped selects threads with their last activity where the steps are read
// once and grouped, and not looked up for each thread.
func (c *Core) grouped(owner, id string) string {
	d := c.Dialect
	if owner != "" {
		owner = " WHERE u." + owner
	}
	activity := fmt.Sprintf(`%s(coalesce(%s,''),coalesce(a.varve_last,''))`, d.Greatest, d.Time(`t."createdAt"`))
	return fmt.Sprintf(c.sql.list, activity+" AS varve_at,"+id+" AS varve_id") +
		fmt.Sprintf(` LEFT JOIN (SELECT s."threadId" AS varve_thread,max(%s) AS varve_last FROM %s s JOIN %s u ON u."id"=s."threadId"%s GROUP BY s."threadId") a ON a.varve_thread=t."id"`,
			d.Time(`s."createdAt"`), d.Table("steps"), d.Table("threads"), owner)
}

// voted is the condition that thread t has a verdict: that of the newest
// feedback of some step.
func (c *Core) voted(value string) string {
	d := c.Dialect
	return fmt.Sprintf(`EXISTS (SELECT 1 FROM %[1]s f WHERE f."threadId"=t."id" AND f."value"=%[2]s`+
		` AND NOT EXISTS (SELECT 1 FROM %[1]s n WHERE n."forId"=f."forId" AND n.%[3]s>f.%[3]s))`,
		d.Table("feedbacks"), value, d.Order)
}

// Scan is the search condition without an index: it looks into the thread's
// name and the outputs of its steps.
func (c *Core) Scan(needle string) Condition {
	d := c.Dialect
	return func(param func(arg any) string) string {
		n := param(needle)
		return fmt.Sprintf(`(%s OR EXISTS (SELECT 1 FROM %s s WHERE s."threadId"=t."id" AND %s))`,
			d.Contains(`t."name"`, n), d.Table("steps"), d.Contains(`s."output"`, n))
	}
}
